import { OnApplicationShutdown, DynamicModule, InjectionToken } from "@nestjs/common";
import { Lock, RedisLockModuleOptions, RedisLockModuleExtras } from "./index.js";
declare function expectLocked(key: string): void;
declare class LockTesting implements OnApplicationShutdown {
    #private;
    makeBusy(key: string): Promise<Lock>;
    makeLost(key: string): Promise<void>;
    makeUnavailable(): void;
    makeAvailable(): void;
    expectLocked(key: string): void;
    expectFree(key: string): void;
    onApplicationShutdown(): Promise<void>;
}
type LockTestingOptions = Omit<RedisLockModuleOptions, "connection"> & RedisLockModuleExtras;
declare class LockTestingModule {
    static forRoot(options?: LockTestingOptions): DynamicModule;
}
declare function getLockTestingToken(name?: string): InjectionToken<LockTesting>;
export { LockTesting, LockTestingModule, expectLocked, getLockTestingToken };
export type { LockTestingOptions };
