import { ModulesContainer } from "@nestjs/core";
import { HealthIndicatorResult } from "@nestjs/terminus";
declare class LockHealthIndicator {
    private readonly modules;
    constructor(modules: ModulesContainer);
    isHealthy(name: string): Promise<HealthIndicatorResult>;
}
export { LockHealthIndicator };
