import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Adapter, type AdapterOptions } from '../../src/dap/adapter.ts';
import type { DapHost } from '../../src/dap/host.ts';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { CellRunner } from '../../src/scenario/matrix.ts';
import { builtFixture } from '../../tools/built-fixture.ts';

const runner = new CellRunner(builtFixture);

/** The world of an adapter in a test: files of the repository, and what is learned is learned once. */
export const host: DapHost = {
  readFile: (path) => readFileSync(path),
  findFile: (path, folders) => [...folders, '.'].map((folder) => resolve(folder, path)).find((p) => existsSync(p)),
  runner: () => runner,
  scenarios: async () => CATALOGUE,
  later: (work) => setImmediate(work),
};

/** The test client of the protocol, over streams instead of a process. It keeps all events. */
export class TestClient extends DebugClient {
  readonly events: DebugProtocol.Event[] = [];
  readonly adapter: Adapter;
  /** What the client sends, to send what is no message. */
  readonly wire = new PassThrough();

  constructor(options: AdapterOptions = {}) {
    super('node', '', 'textpoke');
    const back = new PassThrough();
    this.adapter = new Adapter(host, options);
    this.adapter.start(this.wire, back);
    this.connect(back, this.wire);
    this.defaultTimeout = 30_000;
    const emit = this.emit.bind(this);
    this.emit = (name: string | symbol, ...args: unknown[]): boolean => {
      this.events.push(args[0] as DebugProtocol.Event);
      return emit(name, ...args);
    };
  }

  /** All text of a category so far. */
  output(category?: string): string {
    return this.events
      .filter((e): e is DebugProtocol.OutputEvent => e.event === 'output' && (category === undefined || e.body.category === category))
      .map((e) => e.body.output)
      .join('');
  }

  /** Does something that moves the run, and gives why it stopped. */
  async stops(work: () => Promise<unknown>): Promise<DebugProtocol.StoppedEvent['body']> {
    const stopped = this.waitForEvent('stopped');
    await work();
    return (await stopped).body;
  }

  /** Launches, lets `set` set breakpoints, and gives the first stop. */
  async begin(configuration: object, set: () => Promise<unknown> = async () => {}): Promise<DebugProtocol.StoppedEvent['body']> {
    await this.initializeRequest();
    const initialized = this.waitForEvent('initialized');
    await this.launchRequest(configuration as DebugProtocol.LaunchRequestArguments);
    await initialized;
    await set();
    return this.stops(() => this.configurationDoneRequest());
  }

  /** What a line of the debug console answers. */
  async says(expression: string, frameId?: number): Promise<string> {
    const { body } = await this.evaluateRequest({ expression, context: 'repl', ...(frameId !== undefined && { frameId }) });
    return body.result;
  }

  async frames(threadId: number): Promise<DebugProtocol.StackFrame[]> {
    return (await this.stackTraceRequest({ threadId })).body.stackFrames;
  }

  /** The variables of a scope of the innermost frame, by name. */
  async scope(threadId: number, name: string): Promise<Map<string, DebugProtocol.Variable>> {
    const [frame] = await this.frames(threadId);
    const { scopes } = (await this.scopesRequest({ frameId: frame!.id })).body;
    const { variablesReference } = scopes.find((s) => s.name === name)!;
    const { variables } = (await this.variablesRequest({ variablesReference })).body;
    return new Map(variables.map((v) => [v.name, v]));
  }

  async breakpointLocationsRequestOf(path: string, line: number, endLine: number): Promise<DebugProtocol.BreakpointLocationsResponse> {
    return (await this.customRequest('breakpointLocations', {
      source: { path },
      line,
      endLine,
    })) as DebugProtocol.BreakpointLocationsResponse;
  }

  /** The position of the run. */
  async at(): Promise<string> {
    return (await this.says('pos')).split(' ')[0] as string;
  }
}
