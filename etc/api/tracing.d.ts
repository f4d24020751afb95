import { DynamicModule } from "@nestjs/common";
declare class LockTracingModule {
    static forRoot(): DynamicModule;
}
export { LockTracingModule };
