/**
 * The library: what a program or a test imports as `textpoke`. Addresses are linear and bigint unless a name says physical; bytes are
 * `Uint8Array`. What a person can get wrong is thrown as `TextpokeError`. Nothing here reads files, the clock or the environment.
 */

/** Looking at one run: its trace, its diagram, and why it breaks. */
export { type DiagramOptions, raceDiagram } from './debug/diagram.ts';
export type { Happening, Trace, TraceStep } from './debug/happening.ts';
export { type ReplayedToken, replayToken } from './debug/replay.ts';
export { formatTrace, recordTrace } from './debug/trace.ts';
export { explainWhy, type VerdictUnder, type Why } from './debug/why.ts';
/** Errors and exit codes. */
export { type ErrorCode, Exit, TextpokeError } from './error.ts';
/** Trying every order: worlds, checkers, searches and their results. */
export type { Checker } from './explore/checker.ts';
export type { Observation } from './explore/checkers/observations.ts';
export { type Exploration, type ExploreOptions, explore, learn, type SearchName } from './explore/explore.ts';
export { Knowledge } from './explore/knowledge.ts';
export { type Outcome, type Outcomes, outcomesOf, type SharedWord } from './explore/outcomes.ts';
export type { RunLength } from './explore/price.ts';
export { type Reach, reach } from './explore/reach/reach.ts';
export type { Budget, Counterexample, CounterexampleLength, Counts, Coverage, SearchResult, Verdict } from './explore/result.ts';
export type { MissBound } from './explore/sample/bound.ts';
export type { Sample } from './explore/sample/sample.ts';
export { STRATEGY_NAMES, type StrategyName } from './explore/sample/strategy.ts';
export { countRuns, type Share } from './explore/share.ts';
export type { Site } from './explore/site.ts';
export { decodeToken, encodeToken, imageHash, nameHash, SEMANTICS_VERSION, type TokenContent } from './explore/token.ts';
export { CHECK_TITLES, type CheckId, type Violation, type ViolationCause, type WantedViolation } from './explore/violation.ts';
export { type Actor, WITNESSES, World, type WorldAccess, type WorldEvent } from './explore/world.ts';
/** Images: what is loaded and patched. */
export { type FlatOptions, Image, type ImageSegment, type ImageSymbol, imageFromElf, imageFromFlat } from './image/image.ts';
/** Running an image on bare cores, as `textpoke run` does: coherent fetch, no store buffers, one order. */
export { BareMachine, type BareOptions } from './kernel/bare.ts';
export { type BareCoreResult, type BareEnd, type BareResult, type BareRunOptions, runBare } from './kernel/bare-run.ts';
/** The machine and the small kernel on it. */
export { Lab, type LabOptions } from './kernel/lab.ts';
export { type Choice, choices, perform } from './machine/choices.ts';
export type { Core } from './machine/core.ts';
export type { CachedLine, CacheEvent } from './machine/icache.ts';
export { type EngineName, Machine, type MachineOptions } from './machine/machine.ts';
/** What instruction fetch may return. */
export { icachePolicy } from './machine/policy/icache.ts';
export { ALL_FETCH_POLICY_NAMES, FETCH_POLICIES, FETCH_POLICY_NAMES, fetchPolicy, TEACHING_POLICIES } from './machine/policy/index.ts';
export type {
  AnyFetchPolicy,
  AnyFetchPolicyName,
  CacheGeometry,
  FetchPolicy,
  FetchPolicyName,
  TeachingPolicy,
  TeachingPolicyName,
} from './machine/policy/policy.ts';
/** Patching algorithms: generators of one operation of a core each. */
export { type FtraceSwitches, type FtraceUpdate, replaceFtraceCode, updateFtraceFunc } from './patch/ftrace.ts';
export { callTo, INT3, jccTo, jumpTo, nop2, nop5, retPadded, returnZero, shortJumpTo } from './patch/instructions.ts';
export type { Mark, Operation, Patcher } from './patch/operation.ts';
export { type Modification, type Part, type PhaseSwitches, syncEachCpu, type TextWorld, textPoke, threePhases } from './patch/text-poke.ts';
export { type BatchModification, type BatchSwitches, type LocLayout, textPokeBatch } from './patch/text-poke-batch.ts';
export { textPokeBpV1 } from './patch/text-poke-v1.ts';
/** The catalogue of races, and what it takes to write one more. */
export { CATALOGUE, FAMILIES, scenarioOf } from './scenario/catalogue.ts';
export { type FoundToken, findToken } from './scenario/find-token.ts';
export { addVictims, labWorld, locLayout, textWorld } from './scenario/lab-world.ts';
export { type CellResult, CellRunner, cellName, cellsOf } from './scenario/matrix.ts';
export {
  type Cell,
  defineScenario,
  type Expectation,
  type ExpectedVerdict,
  expectedOf,
  type Fixtures,
  imageOf,
  MAX_VICTIMS,
  type MemoryModel,
  type Scenario,
  type ScenarioDefinition,
  type SizedCell,
  underPolicies,
  type Variant,
  variantOf,
} from './scenario/scenario.ts';
export { type Extent, extent, inTurn, type Size, type Sizes } from './scenario/sizes.ts';
export { type Smaller, smaller } from './scenario/smaller.ts';
