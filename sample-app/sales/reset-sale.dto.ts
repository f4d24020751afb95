import { IsInt, Max, Min } from 'class-validator';

/** Body of `POST /sales/:sku/reset`. */
export class ResetSaleDto {
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  readonly stock!: number;
}
