import { Type } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';

/** Query of `GET /rush`. */
export class WatchRushDto {
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(1000)
  readonly stock!: number;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  readonly buyers!: number;

  @IsIn(['yes', 'no'])
  readonly locked!: 'yes' | 'no';
}
