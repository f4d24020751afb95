import { IsString, Length } from 'class-validator';

/** Body of `POST /sales/:sku/orders`. */
export class PlaceOrderDto {
  @IsString()
  @Length(1, 64)
  readonly buyer!: string;
}
