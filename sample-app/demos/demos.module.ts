import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Activity } from './activity.js';
import { CatalogueController } from './catalogue.controller.js';
import { DemosController } from './demos.controller.js';
import { ExportController } from './export.controller.js';
import { StocktakeJob } from './stocktake.job.js';
import { SupplierController } from './supplier.controller.js';

/** Other uses of a lock than the sale, one a file. */
@Module({})
export class DemosModule {
  /** @param redisUrl How the processes hear of one another; without it there is one. */
  static over(redisUrl: string | undefined): DynamicModule {
    return {
      module: DemosModule,
      imports: [ScheduleModule.forRoot()],
      controllers: [DemosController, ExportController, CatalogueController, SupplierController],
      providers: [StocktakeJob, { provide: Activity, useFactory: () => Activity.over(redisUrl) }],
    };
  }
}
