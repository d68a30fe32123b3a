import type { Scenario } from '../scenario.ts';
import { comingModule } from './coming-module.ts';
import { forced } from './forced.ts';
import { fork } from './fork.ts';
import { idleHandler, idleHandlerEnable } from './idle-handler.ts';
import { irqEnterInWindow } from './irq-enter-in-window.ts';
import { nmiInWindow } from './nmi-in-window.ts';
import { nopEntries } from './nop-entries.ts';
import { reverse } from './reverse.ts';
import { stackCheck } from './stack-check.ts';
import { warn } from './warn.ts';

/** Functions replaced while tasks run them. */
export const livepatch: readonly Scenario[] = [
  idleHandler,
  idleHandlerEnable,
  irqEnterInWindow,
  nmiInWindow,
  warn,
  reverse,
  fork,
  comingModule,
  forced,
  nopEntries,
  stackCheck,
];
