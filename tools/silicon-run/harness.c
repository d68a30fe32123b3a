/*
 * Runs one litmus test on the CPU that this runs on, as often as the time allows, and counts its final states.
 *
 *   harness probe        what this machine can do: one word and 0 or 1 a line
 *   harness < TEST       TEST as host-program.ts writes it; prints `runs N`, then `COUNT VALUE...` for each state
 *
 * Threads are pinned, one a core. Before each run thread 0 puts code and variables back, all wait for one another, and each
 * enters the test by IRETQ, so that no code of the run before is left in its pipeline.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <x86intrin.h>

#define MEMBARRIER_SYNC_CORE (1 << 5)
#define MEMBARRIER_REGISTER_SYNC_CORE (1 << 6)
#define ARCH_SET_GS 0x1001

#define MAX_THREADS 8
#define MAX_WATCHED 64
#define STATES 4096 /* different final states that are told apart; a power of two */
#define DELAYS 11 /* up to 2^10 ticks of the time stamp counter between the starts of two threads */
#define LEAD 600   /* ticks until every thread has heard that the meeting is over */
#define SPINS 4000

/* What a thread has behind GS. The test's code writes registers and stack: ENTER and EXIT in host-program.ts. */
struct record {
  uint64_t registers[16];
  uint64_t stack;
  uint64_t faults;
  uint64_t entry;
  uint64_t fault_entry;
  int core;
  int inside;
  uint64_t random;
} __attribute__((aligned(128)));

struct watched {
  char kind; /* R register of a thread, V memory, F exceptions of a thread */
  uint64_t where, what;
};

static struct record records[MAX_THREADS];
static struct watched watched[MAX_WATCHED];
static int threads, watches;
static double seconds;
static uint8_t *code, *alias, *data, *code_image, *data_image;
static size_t code_bytes, code_map, data_bytes;
static void (*enter)(uint64_t entry);

static __thread struct record *self;

static void fail(const char *what)
{
  fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
  exit(2);
}

/* ---- the test ---- */

static uint8_t *read_hex(size_t *size)
{
  uint8_t *bytes;
  unsigned byte;

  if (scanf("%zu", size) != 1 || !(bytes = malloc(*size + 1)))
    fail("bytes");
  for (size_t n = 0; n < *size; n++) {
    if (scanf("%2x", &byte) != 1)
      fail("bytes");
    bytes[n] = byte;
  }
  return bytes;
}

static void *map_at(uint64_t address, size_t size, int protection, int flags, int file)
{
  void *got = mmap((void *)address, size, protection, flags | MAP_FIXED_NOREPLACE, file, 0);

  if (got != (void *)address)
    fail("mmap");
  return got;
}

static void read_test(void)
{
  char word[16];
  uint64_t a, b, writable = 0;
  int file;

  while (scanf("%15s", word) == 1) {
    if (!strcmp(word, "seconds")) {
      if (scanf("%lf", &seconds) != 1)
        fail(word);
    } else if (!strcmp(word, "thread")) {
      struct record *r = &records[threads++];

      if (threads > MAX_THREADS || scanf("%d %lx %lx", &r->core, &r->entry, &r->fault_entry) != 3)
        fail(word);
      r->random = 88172645463325252u + threads * 0x9e3779b97f4a7c15u;
    } else if (!strcmp(word, "enter")) {
      if (scanf("%lx", &a) != 1)
        fail(word);
      enter = (void (*)(uint64_t))a;
    } else if (!strcmp(word, "writable")) {
      writable = PROT_WRITE;
    } else if (!strcmp(word, "code")) {
      if (scanf("%lx %lx %zu", &a, &b, &code_map) != 3)
        fail(word);
      code_image = read_hex(&code_bytes);
      file = memfd_create("litmus", 0);
      if (file < 0 || ftruncate(file, code_map))
        fail("memfd");
      alias = map_at(b, code_map, PROT_READ | PROT_WRITE, MAP_SHARED, file);
      memcpy(alias, code_image, code_bytes);
      code = map_at(a, code_map, PROT_READ | PROT_EXEC | writable, MAP_SHARED, file);
    } else if (!strcmp(word, "data")) {
      if (scanf("%lx", &a) != 1)
        fail(word);
      data_image = read_hex(&data_bytes);
      data = map_at(a, data_bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    } else if (!strcmp(word, "watch")) {
      struct watched *w = &watched[watches++];

      if (watches > MAX_WATCHED || scanf(" %c %lx %lx", &w->kind, &w->where, &w->what) != 3)
        fail(word);
    } else {
      fail(word);
    }
  }
}

/* ---- states ---- */

static struct state {
  uint64_t count;
  uint64_t values[MAX_WATCHED];
} states[STATES];

static void count_state(void)
{
  uint64_t values[MAX_WATCHED], hash = 0;

  for (int n = 0; n < watches; n++) {
    const struct watched *w = &watched[n];

    values[n] = w->kind == 'R' ? records[w->where].registers[w->what]
              : w->kind == 'F' ? (records[w->where].faults & w->what) != 0
                               : 0;
    if (w->kind == 'V')
      memcpy(&values[n], (void *)w->where, w->what);
    hash = (hash ^ values[n]) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  for (unsigned tries = 0; tries < STATES; tries++) {
    struct state *s = &states[(hash + tries) & (STATES - 1)];

    if (s->count && memcmp(s->values, values, watches * sizeof values[0]))
      continue;
    memcpy(s->values, values, watches * sizeof values[0]);
    s->count++;
    return;
  }
  errno = ENOSPC;
  fail("states");
}

/* Puts back what differs, and no more: a store to a line of code stops every core that runs it. */
static void restore(uint8_t *to, const uint8_t *from, size_t size)
{
  for (size_t n = 0; n < size; n++)
    if (to[n] != from[n])
      ((volatile uint8_t *)to)[n] = from[n];
}

/* ---- threads ---- */

static atomic_uint arrived, generation;
static atomic_int over;
static uint64_t runs;

/* All threads leave the last meeting before a run at one moment, which the last to arrive fixes. */
static uint64_t start;

static void meet(void)
{
  unsigned mine = atomic_load(&generation);

  if (atomic_fetch_add(&arrived, 1) + 1 == (unsigned)threads) {
    atomic_store(&arrived, 0);
    start = __rdtsc() + LEAD;
    atomic_fetch_add(&generation, 1);
    return;
  }
  for (unsigned spins = 0; atomic_load_explicit(&generation, memory_order_acquire) == mine; spins++)
    if (spins < SPINS)
      __builtin_ia32_pause();
    else
      sched_yield();
}

static uint64_t next_random(struct record *r)
{
  r->random ^= r->random << 13;
  r->random ^= r->random >> 7;
  r->random ^= r->random << 17;
  return r->random;
}

/* A fault of the test: its thread goes on where the test says. */
static void on_fault(int number, siginfo_t *info, void *context)
{
  ucontext_t *at = context;

  (void)info;
  if (!self || !self->inside) {
    signal(number, SIG_DFL);
    return;
  }
  self->faults |= 1ul << (at->uc_mcontext.gregs[REG_TRAPNO] & 63);
  at->uc_mcontext.gregs[REG_RIP] = self->fault_entry;
}

static double now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void *thread_main(void *arg)
{
  struct record *r = arg;
  int first = r == records;
  static const size_t stack = 1 << 16;
  stack_t signal_stack = {.ss_sp = malloc(stack), .ss_size = stack};
  double end = now() + seconds;
  cpu_set_t set;

  CPU_ZERO(&set);
  CPU_SET(r->core, &set);
  if (sched_setaffinity(0, sizeof set, &set))
    fail("sched_setaffinity");
  if (sigaltstack(&signal_stack, NULL) || syscall(SYS_arch_prctl, ARCH_SET_GS, r))
    fail("thread");
  self = r;
  for (;;) {
    if (first) {
      atomic_store(&over, (runs & 63) == 0 && now() >= end);
      restore(alias, code_image, code_bytes);
      restore(data, data_image, data_bytes);
    }
    meet();
    if (atomic_load(&over))
      return NULL;
    r->faults = 0;
    /* Few ticks apart most of the time, many sometimes. */
    uint64_t delay = next_random(r) & ((1u << next_random(r) % DELAYS) - 1);

    while (__rdtsc() < start + delay)
      ;
    r->inside = 1;
    enter(r->entry);
    r->inside = 0;
    meet();
    if (first) {
      count_state();
      runs++;
    }
  }
}

/* ---- main ---- */

static int has_serialize(void)
{
  unsigned a, b, c, d;

  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 14 & 1);
}

int main(int argc, char **argv)
{
  static const int faults[] = {SIGTRAP, SIGILL, SIGSEGV, SIGBUS, SIGFPE};
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  int membarrier = !syscall(SYS_membarrier, MEMBARRIER_REGISTER_SYNC_CORE, 0, 0);
  pthread_t others[MAX_THREADS];

  if (argc > 1 && !strcmp(argv[1], "probe")) {
    cpu_set_t set;

    sched_getaffinity(0, sizeof set, &set);
    printf("serialize %d\nsync %d\n", has_serialize(), membarrier);
    for (int core = 0; core < CPU_SETSIZE; core++)
      if (CPU_ISSET(core, &set))
        printf("core %d\n", core);
    return 0;
  }
  read_test();
  for (unsigned n = 0; n < sizeof faults / sizeof faults[0]; n++)
    if (sigaction(faults[n], &action, NULL))
      fail("sigaction");
  for (int n = 1; n < threads; n++)
    if (pthread_create(&others[n], NULL, thread_main, &records[n]))
      fail("pthread_create");
  thread_main(&records[0]);
  for (int n = 1; n < threads; n++)
    pthread_join(others[n], NULL);
  printf("runs %lu\n", runs);
  for (int n = 0; n < STATES; n++) {
    if (!states[n].count)
      continue;
    printf("%lu", states[n].count);
    for (int k = 0; k < watches; k++)
      printf(" %lu", states[n].values[k]);
    printf("\n");
  }
  return 0;
}
