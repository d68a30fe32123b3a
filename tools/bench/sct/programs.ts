/** A program of fixtures/sct: which functions run side by side, each on a core of its own. */
export interface Program {
  readonly name: string;
  readonly title: string;
  /** What goes wrong, and between which steps. */
  readonly story: string;
  readonly fix: string;
  readonly breaks: 'assertion' | 'deadlock';
  /** Functions of each thread, one after the other. */
  readonly threads: readonly (readonly string[])[];
  readonly switches?: Readonly<Record<string, number>>;
  /** What must have happened before an OK counts, where it is not that the assertion was reached. */
  readonly witness?: string;
  /** The bug needs store buffers. */
  readonly tsoOnly?: true;
  /** The fixed program is searched up to so many preemptions: all its states are too many for a test. */
  readonly preemptions?: number;
  /** Why no sample of depth 3 is expected to find the bug. */
  readonly deep?: string;
}

const WAITED = 'a thread waited for a mutex';
const times = (count: number, thread: readonly string[]): (readonly string[])[] => Array.from({ length: count }, () => thread);

const diningPhilosophers = (count: number): Program => ({
  name: `din-phil${count}`,
  title: `${count} philosophers, each takes the fork on its left first`,
  story: 'Each has taken the fork on its left and waits for the one on its right, which its neighbour has.',
  fix: 'the last one takes the fork on its right first',
  breaks: 'deadlock',
  threads: Array.from({ length: count }, (_, seat) => [`philosopher_${seat}`]),
  switches: { threads: count },
  witness: WAITED,
});

/** From so many threads on, a program is too large for all its states. */
const LARGE = 8;
const boundFor = (threads: number): Pick<Program, 'preemptions'> => (threads < LARGE ? {} : { preemptions: 1 });

const reorder = (count: number): Program => ({
  name: `reorder-${count}`,
  title: `${count - 1} threads set two words, one looks at both`,
  story:
    'The reader comes between the two stores of a writer, before any other writer has done both, or the writers come between its two reads.',
  fix: 'everybody holds one mutex',
  breaks: 'assertion',
  threads: [...times(count - 1, ['reorder_set']), ['reorder_check']],
  ...boundFor(count),
});

const wrongLock = (name: string, others: number): Program => ({
  name,
  title: `one thread counts under one mutex, ${others} under another`,
  story: 'Another thread counts between the store of the first one and its check.',
  fix: 'one mutex for all',
  breaks: 'assertion',
  threads: [['wronglock_one'], ...times(others, ['wronglock_other'])],
  ...boundFor(others + 1),
});

/** The programs, in alphabetical order. reorder_20 and twostage_100 of the collection need more cores than a world has. */
export const PROGRAMS: readonly Program[] = [
  {
    name: 'account',
    title: 'a deposit and a withdrawal at the same time',
    story: 'Both read the balance before either takes the lock: the second store forgets the first.',
    fix: 'the balance is read with the lock held',
    breaks: 'assertion',
    threads: [['account_deposit', 'thread_exit'], ['account_withdraw', 'thread_exit'], ['account_main']],
  },
  {
    name: 'bluetooth-driver',
    title: 'a driver is stopped while a request comes in',
    story: 'The request has seen that nobody stops the driver and has not counted itself yet: the other thread counts nobody and stops it.',
    fix: 'a request counts itself, then looks',
    breaks: 'assertion',
    threads: [['bluetooth_add'], ['bluetooth_stop']],
  },
  {
    name: 'carter01',
    title: 'two kinds of readers count under one mutex',
    story: 'One waits for the resource with the mutex held that the other needs to give the resource back.',
    fix: 'a mutex for each kind',
    breaks: 'deadlock',
    threads: [['carter_a'], ['carter_b']],
    witness: WAITED,
  },
  {
    name: 'circular-buffer',
    title: 'sender and receiver take turns over a ring',
    story: 'The receiver comes when nothing is there and counts the round as done: what it gets next is of an earlier round.',
    fix: 'who is early waits for its turn',
    breaks: 'assertion',
    threads: [['circular_send'], ['circular_receive']],
  },
  {
    name: 'deadlock01',
    title: 'two mutexes in opposite orders',
    story: 'Each thread has one mutex and waits for the other.',
    fix: 'one order',
    breaks: 'deadlock',
    threads: [['deadlock_ab'], ['deadlock_ba']],
    witness: WAITED,
  },
  ...[2, 3, 4, 5].map(diningPhilosophers),
  {
    name: 'iwsq',
    title: 'a work-stealing queue without locks: the last item',
    story: 'The owner has found one item left and takes it without asking: a thief has taken it in between.',
    fix: 'the owner takes the last item by CMPXCHG on top',
    breaks: 'assertion',
    threads: [['iwsq_owner'], ['iwsq_thief']],
  },
  {
    name: 'iwsq-tso',
    title: 'a work-stealing queue without locks: no fence in take',
    story:
      "The owner reads top while its new bottom is still in its store buffer: a thief, which sees the old one, takes the owner's item.",
    fix: 'bottom is stored by XCHG',
    breaks: 'assertion',
    threads: [['iwsq_owner_tso'], ['iwsq_thief']],
    tsoOnly: true,
  },
  {
    name: 'lazy01',
    title: 'two threads add, one takes the sum of both for impossible',
    story: 'The one that looks comes last.',
    fix: 'the limit is higher than the sum',
    breaks: 'assertion',
    threads: [['lazy_add_1'], ['lazy_add_2'], ['lazy_check']],
  },
  {
    name: 'phase01',
    title: 'a thread leaves at the end of a phase',
    story: 'It sees the next phase, leaves and keeps the mutex: the other thread waits for it for ever.',
    fix: 'it gives the mutex back',
    breaks: 'deadlock',
    threads: [
      ['phase_work', 'thread_exit'],
      ['phase_next', 'thread_exit'],
    ],
    witness: WAITED,
  },
  {
    name: 'queue',
    title: 'one thread fills a queue, two take from it',
    story: 'Both have seen that it is not empty: the second one to take the lock takes what nobody has put in.',
    fix: 'who has the lock looks again',
    breaks: 'assertion',
    threads: [['queue_put'], ['queue_take'], ['queue_take']],
  },
  ...[3, 4, 5, 10].map(reorder),
  {
    name: 'safestack',
    title: 'a stack without locks and three threads',
    story:
      'A thread has read the head and is late; others pop and push so that the same cell is the head again with something else below it.',
    fix: 'pop and push hold a mutex',
    breaks: 'assertion',
    threads: times(3, ['safestack_use']),
    deep: 'a failing run has more than five preemptions',
  },
  {
    name: 'stack',
    title: 'one thread pushes, one pops while a flag is set',
    story: 'The stack is empty again and the flag still says that something is there.',
    fix: 'who takes the last one takes the flag back',
    breaks: 'assertion',
    threads: [['stack_push'], ['stack_pop']],
  },
  {
    name: 'stringbuffer',
    title: 'a buffer is appended to another one while a third party erases it',
    story: 'The lock is given back between the length and the text: the text is gone.',
    fix: 'the lock is held over both',
    breaks: 'assertion',
    threads: [['stringbuffer_append'], ['stringbuffer_erase']],
  },
  {
    name: 'sync01',
    title: 'one producer, two consumers, condition variables',
    story: 'One broadcast wakes both consumers: the second one finds nothing and does not look.',
    fix: 'who wakes up looks again',
    breaks: 'assertion',
    threads: [['sync01_produce'], ['sync01_consume'], ['sync01_consume']],
  },
  {
    name: 'sync02',
    title: 'one producer, one consumer, condition variables',
    story: 'The producer says that there is an item, and writes it afterwards.',
    fix: 'the item first',
    breaks: 'assertion',
    threads: [['sync02_produce'], ['sync02_consume']],
  },
  {
    name: 'token-ring',
    title: 'a token goes round three stations',
    story: 'The stations move in another order, or the check comes before all have moved.',
    fix: 'each waits for its turn',
    breaks: 'assertion',
    threads: [['token_station_0'], ['token_station_1'], ['token_station_2'], ['token_check']],
  },
  {
    name: 'twostage',
    title: 'two words, each under its own mutex',
    story: 'The reader comes between the first stage and the second.',
    fix: 'the first mutex is held until the second word is written',
    breaks: 'assertion',
    threads: [['twostage_write'], ['twostage_read']],
  },
  wrongLock('wronglock', 7),
  wrongLock('wronglock-3', 3),
  {
    name: 'wsq',
    title: 'a work-stealing queue whose thief locks',
    story: 'The thief has seen an item at the head; before it moves the head the owner takes the same item from the tail.',
    fix: 'the thief moves the head, then looks at the tail',
    breaks: 'assertion',
    threads: [['wsq_owner'], ['wsq_thief']],
  },
];
