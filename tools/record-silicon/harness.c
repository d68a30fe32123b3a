/*
 * Runs single instructions on the CPU that this runs on, in user mode, and prints the state behind each.
 *
 *   harness TIMES [LDT...] < TESTS     each test TIMES times; a line a test, in their order: what came of it, or `unstable`
 *
 * LDT has the descriptors of the local descriptor table, each as base.limit.flags, flags as in struct user_desc.
 * A test is one line of hexadecimal words as record.ts writes them: name, 1 if it may stay where it is or 2 if it runs on until something is raised, 0 or for 16- and 32-bit code the selectors of CS, SS, DS, ES, FS
 * and GS with dots between them, RIP, RFLAGS, 16 general registers, MXCSR, FCW, FSW,
 * FTW, FOP, FIP, FDP, 8 x87 registers (20 digits), 16 YMM registers (64 digits, as in memory), the instruction's bytes, then address and bytes of memory.
 *
 * Everything happens in signal handlers: returning from one loads the state of the next test with EFLAGS.TF set, and the trap behind its instruction, or its fault, is the next
 * signal. A timer ends what does not come back.
 *
 * CS and SS go the same way: signals come in 64-bit mode whatever code they end. DS, ES, FS and GS are no part of a signal frame, so the handler loads them, FS last: its base is
 * the C library's.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define TF 0x100ul
#define RF 0x10000ul
#define MAX_STEPS 4096
#define MAX_LINE 32768
#define MAX_RUNS 16 /* pieces of memory in one test */
/* The XSAVE area that a signal frame has (SDM Vol. 1, "XSAVE Area"). */
#define XSTATE_BV 512
#define YMM_HIGH 576
/* uc_flags: SS is in the frame and is loaded from it. */
#define WITH_SS 6
#define USER_CS 0x33
#define USER_SS 0x2b
#define MOST_LDT 64
#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2
#endif

static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct region {
  uint64_t start, size;
  int fill, code;
  uint8_t *before;
} regions[] = {{0x10000000, 0x10000, 0, 0, 0}, {0x500012340000, 0x4000, 0, 0, 0}, {0x20000000, 0x2000, 0xcc, 1, 0}};
#define REGIONS (sizeof regions / sizeof regions[0])

struct state {
  uint64_t rip, flags, gpr[16];
  uint64_t mxcsr, fcw, fsw, ftw, fop, fip, fdp;
  uint8_t st[8][10], ymm[16][32];
};

static struct test {
  char name[96];
  int repeats, runs_on, segmented;
  unsigned selectors[6];
  struct state in;
  uint8_t code[16];
  int code_bytes, runs;
  struct {
    uint64_t at;
    int size;
    uint8_t *bytes;
  } memory[MAX_RUNS];
} test;

static int times, turn, steps, started;
static uint64_t thread;
static uint16_t ds, es, fs, gs;
static char first[1 << 20], now[1 << 20];

/* Selectors of the code that a signal ended. Before this nothing of the C library's that is a thread's may be used. */
static void leave_segments(void)
{
  __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3" : "=m"(ds), "=m"(es), "=m"(fs), "=m"(gs));
  if (fs)
    __asm__ volatile("mov %0, %%fs" : : "r"(0));
  if (gs)
    __asm__ volatile("mov %0, %%gs\n\twrgsbase %1" : : "r"(0), "r"(0ul));
  __asm__ volatile("wrfsbase %0" : : "r"(thread));
}

static void enter_segments(const unsigned *to)
{
  __asm__ volatile("mov %0, %%ds\n\tmov %1, %%es\n\tmov %3, %%gs\n\tmov %2, %%fs" : : "r"(to[2]), "r"(to[3]), "r"(to[4]), "r"(to[5]));
}

static int digit(char c)
{
  return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static int bytes_of(const char *text, uint8_t *to, int most)
{
  int n = 0;

  for (; text[0] && text[1] && n < most; text += 2)
    to[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
  return n;
}

static char *word(void)
{
  char *w = strtok(NULL, " \n");

  if (!w)
    _exit(4);
  return w;
}

static uint64_t number(void)
{
  return strtoull(word(), NULL, 16);
}

/* The next test; 0 at the end. */
static int next_test(void)
{
  static char line[MAX_LINE];
  static uint8_t pool[MAX_LINE];
  uint8_t *free_bytes = pool;
  char *w;

  if (!fgets(line, sizeof line, stdin) || !(w = strtok(line, " \n")))
    return 0;
  memset(&test, 0, sizeof test);
  strncpy(test.name, w, sizeof test.name - 1);
  test.repeats = (int)number();
  test.runs_on = test.repeats == 2;
  w = word();
  test.segmented = *w != '0';
  for (int n = 0; n < 6 && test.segmented; n++)
    test.selectors[n] = (unsigned)strtoul(w, &w, 16), w++;
  test.in.rip = number();
  test.in.flags = number();
  for (int n = 0; n < 16; n++)
    test.in.gpr[n] = number();
  test.in.mxcsr = number();
  test.in.fcw = number();
  test.in.fsw = number();
  test.in.ftw = number();
  test.in.fop = number();
  test.in.fip = number();
  test.in.fdp = number();
  for (int n = 0; n < 8; n++)
    bytes_of(word(), test.in.st[n], 10);
  for (int n = 0; n < 16; n++)
    bytes_of(word(), test.in.ymm[n], 32);
  test.code_bytes = bytes_of(word(), test.code, sizeof test.code);
  while ((w = strtok(NULL, " \n")) && test.runs < MAX_RUNS) {
    test.memory[test.runs].at = strtoull(w, NULL, 16);
    test.memory[test.runs].bytes = free_bytes;
    test.memory[test.runs].size = bytes_of(word(), free_bytes, (int)(pool + sizeof pool - free_bytes));
    free_bytes += test.memory[test.runs++].size;
  }
  return 1;
}

static void put(uint64_t at, const uint8_t *bytes, int size)
{
  for (int n = 0; n < size; n++)
    for (unsigned r = 0; r < REGIONS; r++)
      if (at + n - regions[r].start < regions[r].size)
        *(uint8_t *)(at + n) = bytes[n];
}

static int is_zero(const void *bytes, int size)
{
  static const uint8_t none[16];

  return !memcmp(bytes, none, (size_t)size);
}

/* Components that are not as new: only these are loaded, so that the processor knows. */
static uint64_t in_use(void)
{
  struct state *s = &test.in;
  uint64_t used = s->fcw != 0x37f || s->fsw || s->ftw || s->fop || s->fip || s->fdp;

  for (int n = 0; n < 8; n++)
    used |= !is_zero(s->st[n], 10);
  for (int n = 0; n < 16; n++)
    used |= (uint64_t)(is_zero(s->ymm[n], 16) ? 0 : 2) | (is_zero(s->ymm[n] + 16, 16) ? 0 : 4);
  return used;
}

static void load(ucontext_t *to)
{
  greg_t *gregs = to->uc_mcontext.gregs;
  uint8_t *area = (uint8_t *)to->uc_mcontext.fpregs;
  uint64_t present = in_use();

  for (unsigned r = 0; r < REGIONS; r++)
    memset((void *)regions[r].start, regions[r].fill, regions[r].size);
  for (int n = 0; n < test.runs; n++)
    put(test.memory[n].at, test.memory[n].bytes, test.memory[n].size);
  /* Where segments have bases it is a piece of memory. */
  if (!test.segmented)
    put(test.in.rip, test.code, test.code_bytes);
  for (unsigned r = 0; r < REGIONS; r++)
    memcpy(regions[r].before, (void *)regions[r].start, regions[r].size);
  for (int n = 0; n < 16; n++)
    gregs[order[n]] = (greg_t)test.in.gpr[n];
  gregs[REG_RIP] = (greg_t)test.in.rip;
  gregs[REG_EFL] = (greg_t)(test.runs_on ? test.in.flags : test.in.flags | TF);
  gregs[REG_CSGSFS] = test.segmented ? (greg_t)((uint64_t)test.selectors[1] << 48 | test.selectors[0]) : (greg_t)((uint64_t)USER_SS << 48 | USER_CS);
  to->uc_flags |= WITH_SS;
  memcpy(area, &test.in.fcw, 2);
  memcpy(area + 2, &test.in.fsw, 2);
  memset(area + 4, 0, 20);
  memcpy(area + 4, &test.in.ftw, 1);
  memcpy(area + 6, &test.in.fop, 2);
  memcpy(area + 8, &test.in.fip, 8);
  memcpy(area + 16, &test.in.fdp, 8);
  memcpy(area + 24, &test.in.mxcsr, 4);
  memset(area + 32, 0, 128);
  for (int n = 0; n < 8; n++)
    memcpy(area + 32 + 16 * n, test.in.st[n], 10);
  for (int n = 0; n < 16; n++) {
    memcpy(area + 160 + 16 * n, test.in.ymm[n], 16);
    memcpy(area + YMM_HIGH + 16 * n, test.in.ymm[n] + 16, 16);
  }
  memcpy(area + XSTATE_BV, &present, 8);
  steps = 0;
}

static char *hex(char *to, const uint8_t *bytes, int size)
{
  for (int n = 0; n < size; n++)
    to += sprintf(to, "%02x", bytes[n]);
  return to;
}

/* What came of the test, as one line. */
static void describe(char *to, int number, const siginfo_t *info, ucontext_t *from)
{
  greg_t *gregs = from->uc_mcontext.gregs;
  uint8_t *area = (uint8_t *)from->uc_mcontext.fpregs;
  uint64_t bits;
  uint32_t mxcsr;
  uint16_t fcw, fsw, fop;
  uint64_t fip, fdp;
  static const uint8_t none[32];
  int trap = (int)gregs[REG_TRAPNO];

  (void)info;
  to += sprintf(to, "%s %d ", test.name, steps);
  if (test.segmented)
    to += sprintf(to, "%x.%x.%x.%x.%x.%x ", (unsigned)(gregs[REG_CSGSFS] & 0xffff), (unsigned)((uint64_t)gregs[REG_CSGSFS] >> 48), ds, es, fs, gs);
  else
    to += sprintf(to, "- ");
  if (number == SIGTRAP && trap == 1 && !test.runs_on)
    to += sprintf(to, "- 0 0");
  else
    to += sprintf(to, "%x %lx %lx", trap, (unsigned long)gregs[REG_ERR], (unsigned long)gregs[REG_CR2]);
  to += sprintf(to, " %lx %lx", (unsigned long)gregs[REG_RIP], (unsigned long)gregs[REG_EFL] & (test.runs_on ? ~0ul : ~(TF | RF)));
  for (int n = 0; n < 16; n++)
    /* With a stack in the LDT the kernel returns through one of its own, whose address shows in the upper half of RSP, which such code cannot see. */
    to += sprintf(to, " %lx", (unsigned long)gregs[order[n]] & (test.segmented && order[n] == REG_RSP ? 0xfffffffful : ~0ul));
  memcpy(&bits, area + XSTATE_BV, 8);
  memcpy(&fcw, area, 2);
  memcpy(&fsw, area + 2, 2);
  memcpy(&mxcsr, area + 24, 4);
  memcpy(&fop, area + 6, 2);
  memcpy(&fip, area + 8, 8);
  memcpy(&fdp, area + 16, 8);
  to += sprintf(to, " %x %x %x %x %x %lx %lx", mxcsr, fcw, fsw, area[4], fop, (unsigned long)fip, (unsigned long)fdp);
  for (int n = 0; n < 8; n++) {
    *to++ = ' ';
    to = hex(to, area + 32 + 16 * n, 10);
  }
  for (int n = 0; n < 16; n++) {
    *to++ = ' ';
    to = hex(to, bits & 2 ? area + 160 + 16 * n : none, 16);
    to = hex(to, bits & 4 ? area + YMM_HIGH + 16 * n : none, 16);
  }
  for (unsigned r = 0; r < REGIONS; r++) {
    const uint8_t *was = regions[r].before, *is = (uint8_t *)regions[r].start;

    if (!memcmp(was, is, regions[r].size))
      continue;
    for (uint64_t n = 0; n < regions[r].size; n++) {
      uint64_t end = n;

      while (end < regions[r].size && was[end] != is[end])
        end++;
      if (end == n)
        continue;
      to += sprintf(to, " %lx ", (unsigned long)(regions[r].start + n));
      to = hex(to, is + n, (int)(end - n));
      n = end;
    }
  }
  *to = 0;
}

static void watch(void)
{
  struct itimerval soon = {.it_value = {.tv_sec = 2}};

  setitimer(ITIMER_REAL, &soon, NULL);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
  ucontext_t *at = context;

  leave_segments();
  /* A test may have set AC, which this code is not made for, or NT or ID, which would stay. */
  __asm__ volatile("pushfq; andl $~0x244000, (%%rsp); popfq" ::: "memory", "cc");
  if (started) {
    steps++;
    if (number == SIGTRAP && test.repeats && !test.runs_on && (uint64_t)at->uc_mcontext.gregs[REG_RIP] == test.in.rip && steps < MAX_STEPS) {
      at->uc_mcontext.gregs[REG_EFL] |= (greg_t)TF;
      at->uc_flags |= WITH_SS;
      if (test.segmented) {
        unsigned same[6] = {0, 0, ds, es, fs, gs};

        enter_segments(same);
      }
      return;
    }
    describe(turn == 0 ? first : now, number, info, at);
    if (turn > 0 && strcmp(first, now)) {
      sprintf(first, "%s unstable", test.name);
      turn = times;
    }
    if (++turn >= times) {
      puts(first);
      fflush(stdout);
      started = 0;
    }
  }
  if (!started) {
    if (!next_test())
      _exit(0);
    turn = 0;
    started = 1;
    watch();
  }
  load(at);
  if (test.segmented)
    enter_segments(test.selectors);
}

static void on_alarm(int number)
{
  (void)number;
  _exit(3);
}

/* One descriptor, of the base, limit and flags that a word has. */
static int describe_segment(unsigned number, const char *text)
{
  char *end;
  struct user_desc d = {.entry_number = number};
  unsigned flags;

  d.base_addr = (unsigned)strtoul(text, &end, 16);
  d.limit = (unsigned)strtoul(end + 1, &end, 16);
  flags = (unsigned)strtoul(end + 1, &end, 16);
  d.seg_32bit = flags & 1;
  d.contents = flags >> 1 & 3;
  d.read_exec_only = flags >> 3 & 1;
  d.limit_in_pages = flags >> 4 & 1;
  d.seg_not_present = flags >> 5 & 1;
  d.useable = flags >> 6 & 1;
  return (int)syscall(SYS_modify_ldt, 1, &d, sizeof d);
}

int main(int argc, char **argv)
{
  static const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t stack = {.ss_sp = malloc(1 << 20), .ss_size = 1 << 20};

  if (argc < 2 || argc > 2 + MOST_LDT || (times = atoi(argv[1])) < 1)
    return 2;
  if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
    return 6;
  __asm__ volatile("rdfsbase %0" : "=r"(thread));
  for (int n = 2; n < argc; n++)
    if (describe_segment((unsigned)n - 2, argv[n]))
      return 7;
  for (unsigned r = 0; r < REGIONS; r++) {
    void *want = (void *)regions[r].start;
    int protection = PROT_READ | PROT_WRITE | (regions[r].code ? PROT_EXEC : 0);

    if (mmap(want, regions[r].size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != want)
      return 5;
    regions[r].before = malloc(regions[r].size);
  }
  if (sigaltstack(&stack, NULL))
    return 5;
  for (unsigned n = 0; n < sizeof signals / sizeof signals[0]; n++) {
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGALRM);
    sigaction(signals[n], &action, NULL);
  }
  action = (struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
  sigaction(SIGALRM, &action, NULL);
  __asm__ volatile("int3");
  return 1;
}
