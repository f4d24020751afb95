import { HttpException, ModuleMetadata, InjectionToken, OptionalFactoryDependency, Type, ExecutionContext, DynamicModule } from "@nestjs/common";
import { RedisOptions, Redis, Cluster, ClusterNode, ClusterOptions } from "ioredis";
type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;
interface LockHolder {
    readonly label: string;
    readonly host: string;
    readonly pid: number;
    readonly leaseLeftMs: number;
    readonly heldMs?: number | undefined;
    readonly isHere: boolean;
}
type LockErrorCode = "LOCK_TIMEOUT" | "LOCK_QUEUE_FULL" | "LOCK_UNAVAILABLE" | "LOCK_LOST" | "LOCK_KEY" | "LOCK_CONFIG" | "LOCK_SHUTDOWN";
declare abstract class LockError extends Error {
    abstract readonly code: LockErrorCode;
    readonly keys: readonly string[];
    constructor(keys: readonly string[], message: string, cause?: unknown);
    static [Symbol.hasInstance](value: unknown): boolean;
}
declare class LockTimeoutError extends LockError {
    readonly key: string;
    readonly waitedMs: number;
    readonly leaseLeftMs?: number | undefined;
    readonly holder?: LockHolder | undefined;
    static readonly code = "LOCK_TIMEOUT";
    readonly code = "LOCK_TIMEOUT";
    constructor(keys: readonly string[], key: string, waitedMs: number, leaseLeftMs?: number | undefined, holder?: LockHolder | undefined);
}
declare class LockQueueFullError extends LockError {
    readonly waiters: number;
    readonly leaseLeftMs?: number | undefined;
    static readonly code = "LOCK_QUEUE_FULL";
    readonly code = "LOCK_QUEUE_FULL";
    constructor(keys: readonly string[], waiters: number, leaseLeftMs?: number | undefined);
}
declare class LockUnavailableError extends LockError {
    readonly reason: string;
    readonly nodes: readonly string[];
    static readonly code = "LOCK_UNAVAILABLE";
    readonly code = "LOCK_UNAVAILABLE";
    constructor(keys: readonly string[], reason: string, cause?: unknown, nodes?: readonly string[]);
}
declare class LockLostError extends LockError {
    readonly heldMs: number;
    readonly result?: unknown | undefined;
    static readonly code = "LOCK_LOST";
    readonly code = "LOCK_LOST";
    constructor(keys: readonly string[], heldMs: number, why: string, result?: unknown | undefined, cause?: unknown);
}
declare class LockKeyError extends LockError {
    readonly template?: string | undefined;
    readonly part?: string | undefined;
    static readonly code = "LOCK_KEY";
    readonly code = "LOCK_KEY";
    constructor(keys: readonly string[], message: string, template?: string | undefined, part?: string | undefined);
}
declare class LockConfigError extends LockError {
    readonly problems: readonly string[];
    static readonly code = "LOCK_CONFIG";
    readonly code = "LOCK_CONFIG";
    constructor(problems: readonly string[], keys?: readonly string[], cause?: unknown);
}
declare class LockShutdownError extends LockError {
    static readonly code = "LOCK_SHUTDOWN";
    readonly code = "LOCK_SHUTDOWN";
    constructor(keys: readonly string[]);
}
declare function isLockError(error: unknown, code?: LockErrorCode): error is LockError;
interface LockEvent {
    readonly key: string;
    readonly keys?: readonly string[];
    readonly label: string;
    readonly template: string;
}
interface LockEventMap {
    waiting: LockEvent;
    acquired: LockEvent & {
        readonly waitedMs: number;
        readonly via: Via;
    };
    renewed: LockEvent;
    lost: LockEvent & {
        readonly heldMs: number;
        readonly error: LockError;
    };
    released: LockEvent & {
        readonly heldMs: number;
    };
    timeout: LockEvent & {
        readonly waitedMs: number;
        readonly holder?: LockHolder | undefined;
    };
    skipped: LockEvent;
    unavailable: LockEvent & {
        readonly error: LockError;
    };
    "release-failed": LockEvent & {
        readonly error: LockError;
    };
}
type LockListener<Name extends keyof LockEventMap> = (event: LockEventMap[Name]) => void;
interface LockEvents {
    on<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this;
    once<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this;
    off<Name extends keyof LockEventMap>(name: Name, listener: LockListener<Name>): this;
}
type Via = "free" | "handoff" | "local";
type LockKey = string | readonly string[];
interface LockOptions {
    ttl?: Duration | undefined;
    wait?: Duration | undefined;
    renew?: boolean | undefined;
    mode?: "exclusive" | "shared" | undefined;
    permits?: number | undefined;
    minHold?: Duration | undefined;
    maxHold?: Duration | undefined;
    onLost?: "throw" | "report" | undefined;
    signal?: AbortSignal | undefined;
    label?: string | undefined;
}
type AttachOptions = Pick<LockOptions, "ttl" | "renew" | "maxHold" | "label">;
interface LockEngineOptions {
    ttl?: Duration | undefined;
    wait?: Duration | undefined;
    renew?: boolean | undefined;
    localHandoffs?: number | undefined;
    coexist?: boolean | undefined;
    maxWaiters?: number | undefined;
    commandTimeout?: Duration | undefined;
    shutdownTimeout?: Duration | undefined;
    lockOrderWatch?: boolean | undefined;
}
interface LockFacts {
    readonly keys: readonly string[];
    readonly fencingToken: number;
    readonly remainingMs: number;
}
interface Lock {
    readonly key: string;
    readonly keys: readonly string[];
    readonly fencingToken: number;
    readonly signal: AbortSignal;
    readonly remainingMs: number;
    assertHeld(): void;
    extend(ttl?: Duration): Promise<void>;
    release(): Promise<"released" | "lost">;
    detach(): Promise<string>;
    toJSON(): LockFacts;
    [Symbol.asyncDispose](): Promise<void>;
}
interface LockInfo {
    readonly key: string;
    readonly mode: "exclusive" | "shared";
    readonly permits: number;
    readonly waiters: number;
    readonly holders: readonly {
        label: string;
        host: string;
        pid: number;
        ttlMs: number;
    }[];
}
declare function toHttpException(error: LockError): HttpException & LockError;
declare function HeldLock(): ParameterDecorator;
type RedisLockConnection = string | RedisOptions | Redis | ClusterConnection | readonly (string | RedisOptions | Redis)[];
type ClusterConnection = Cluster | {
    cluster: ClusterNode[];
    options?: ClusterOptions;
};
type LockConnection = RedisLockConnection | "memory";
interface LockHttpOptions {
    status?: number | undefined;
}
interface LockCredentials {
    username?: string | undefined;
    password: string;
}
interface RedisLockModuleOptions extends LockEngineOptions {
    connection: LockConnection;
    keyPrefix?: string | undefined;
    replicas?: {
        count: number;
        timeout?: Duration | undefined;
    } | undefined;
    credentials?: (() => LockCredentials | Promise<LockCredentials>) | undefined;
    http?: LockHttpOptions | false | undefined;
}
interface RedisLockModuleExtras {
    name?: string | undefined;
    isGlobal?: boolean | undefined;
}
interface RedisLockOptionsFactory {
    createRedisLockOptions(): RedisLockModuleOptions | Promise<RedisLockModuleOptions>;
}
interface RedisLockModuleAsyncOptions extends RedisLockModuleExtras, Pick<ModuleMetadata, "imports"> {
    inject?: (InjectionToken | OptionalFactoryDependency)[] | undefined;
    useFactory?: ((...args: any[]) => RedisLockModuleOptions | Promise<RedisLockModuleOptions>) | undefined;
    useClass?: Type<RedisLockOptionsFactory> | undefined;
    useExisting?: InjectionToken<RedisLockOptionsFactory> | undefined;
}
declare class LockService {
    #private;
    constructor(options: RedisLockModuleOptions);
    private get manager();
    get events(): LockEvents;
    acquire(key: LockKey, options?: LockOptions): Promise<Lock>;
    tryAcquire(key: LockKey, options?: Omit<LockOptions, "wait">): Promise<Lock | null>;
    withLock<T>(key: LockKey, task: (lock: Lock) => T | Promise<T>, options?: LockOptions): Promise<T>;
    attach(ticket: string, options?: AttachOptions): Promise<Lock>;
    current(key?: string): Lock | undefined;
    inspect(key: string): Promise<LockInfo | null>;
    list(options?: {
        match?: string;
    }): AsyncIterable<LockInfo>;
    forceRelease(key: string): Promise<boolean>;
    shutdown(): Promise<void>;
    private own;
    private readonly note;
}
interface LockedOptions extends Omit<LockOptions, "signal"> {
    ifBusy?: "throw" | "skip" | undefined;
    service?: string | undefined;
}
type LockKeyFunction = (call: LockedCall) => LockKey;
interface LockedCall {
    readonly args: readonly unknown[];
    readonly target: object;
    readonly method: string;
    readonly context?: ExecutionContext;
    readonly params?: any;
    readonly query?: any;
    readonly body?: any;
    readonly headers?: any;
    readonly user?: any;
    readonly ip?: string;
    readonly data?: unknown;
    readonly gql?: Record<string, unknown>;
}
declare function Locked(key: string | readonly string[] | LockKeyFunction, options?: LockedOptions): MethodDecorator;
declare class RedisLockModule {
    static forRoot(options: RedisLockModuleOptions & RedisLockModuleExtras): DynamicModule;
    static forRootAsync(options: RedisLockModuleAsyncOptions): DynamicModule;
}
declare function getLockServiceToken(name?: string): InjectionToken<LockService>;
declare function InjectLockService(name?: string): PropertyDecorator & ParameterDecorator;
export { HeldLock, InjectLockService, LockConfigError, LockError, LockKeyError, LockLostError, LockQueueFullError, LockService, LockShutdownError, LockTimeoutError, LockUnavailableError, Locked, RedisLockModule, getLockServiceToken, isLockError, toHttpException };
export type { Duration, Lock, LockConnection, LockCredentials, LockErrorCode, LockEvent, LockEventMap, LockEvents, LockHolder, LockHttpOptions, LockInfo, LockKey, LockKeyFunction, LockListener, LockOptions, LockedCall, LockedOptions, RedisLockModuleAsyncOptions, RedisLockModuleExtras, RedisLockModuleOptions, RedisLockOptionsFactory };
