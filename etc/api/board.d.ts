import { CanActivate, Type, DynamicModule } from "@nestjs/common";
interface LockBoardOptions {
    path: string;
    guards: readonly (CanActivate | Type<CanActivate>)[] | "none";
    allowRelease?: boolean | undefined;
}
declare class LockBoardModule {
    static forRoot(options: LockBoardOptions): DynamicModule;
}
export { LockBoardModule };
