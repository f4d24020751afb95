import { DynamicModule } from "@nestjs/common";
import { Registry } from "prom-client";
interface LockMetricsOptions {
    registry?: Registry | undefined;
}
declare class LockMetricsModule {
    static forRoot(options?: LockMetricsOptions): DynamicModule;
}
export { LockMetricsModule };
export type { LockMetricsOptions };
