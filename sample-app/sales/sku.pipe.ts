import type { PipeTransform } from '@nestjs/common';
import { BadRequestException, Injectable } from '@nestjs/common';

const SKU = /^[A-Z0-9][A-Z0-9-]{0,31}$/;

/** Turns what the client wrote into the one form of a sku: `shoe-42` and `SHOE-42` are the same. */
@Injectable()
export class SkuPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    const sku = value.toUpperCase();
    if (SKU.test(sku)) return sku;
    throw new BadRequestException(
      'sku must be 1 to 32 letters, digits and hyphens, and begin with a letter or digit.',
    );
  }
}
