/*
 * Runs a flat image of fixtures/bench under Unicorn: prints rax, the instructions that a code hook counted (0 without) and CPU nanoseconds.
 * With a number of instructions instead of a hook: so many calls of uc_emu_start for one instruction each; prints rax, rip and CPU nanoseconds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <unicorn/unicorn.h>

#define LOAD_AT 0x100000
#define MEMORY 0x800000
#define STACK_TOP 0x7f0000
/* The instruction behind `call kernel` at the entry. */
#define END (LOAD_AT + 5)

static uint64_t instructions;

static void count(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
  (void)uc, (void)address, (void)size, (void)user;
  instructions++;
}

static void check(uc_err error)
{
  if (error == UC_ERR_OK)
    return;
  fprintf(stderr, "unicorn: %s\n", uc_strerror(error));
  exit(1);
}

static void load(uc_engine *uc, const char *name)
{
  static uint8_t image[65536];
  FILE *file = fopen(name, "rb");

  if (!file) {
    perror(name);
    exit(1);
  }
  check(uc_mem_write(uc, LOAD_AT, image, fread(image, 1, sizeof(image), file)));
  fclose(file);
}

/* As many calls as instructions; each reads where it has come to. */
static uint64_t steps(uc_engine *uc, uint64_t calls)
{
  uint64_t rip = LOAD_AT;

  while (calls--) {
    check(uc_emu_start(uc, rip, END, 0, 1));
    check(uc_reg_read(uc, UC_X86_REG_RIP, &rip));
  }
  return rip;
}

static int64_t nanoseconds(const struct timespec *start, const struct timespec *end)
{
  return (int64_t)(end->tv_sec - start->tv_sec) * 1000000000 + (end->tv_nsec - start->tv_nsec);
}

int main(int argc, char **argv)
{
  struct timespec start, end;
  uint64_t rsp = STACK_TOP, rax, calls, rip = 0;
  uc_engine *uc;
  uc_hook hook;

  if (argc != 3)
    return 2;
  check(uc_open(UC_ARCH_X86, UC_MODE_64, &uc));
  check(uc_mem_map(uc, 0, MEMORY, UC_PROT_ALL));
  load(uc, argv[1]);
  check(uc_reg_write(uc, UC_X86_REG_RSP, &rsp));
  calls = strtoull(argv[2], NULL, 0);
  if (calls == 1)
    check(uc_hook_add(uc, &hook, UC_HOOK_CODE, (void *)count, NULL, 1, 0));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
  if (calls > 1)
    rip = steps(uc, calls);
  else
    check(uc_emu_start(uc, LOAD_AT, END, 0, 0));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  check(uc_reg_read(uc, UC_X86_REG_RAX, &rax));
  if (calls > 1)
    printf("%016" PRIx64 " %016" PRIx64 " %" PRId64 "\n", rax, rip, nanoseconds(&start, &end));
  else
    printf("%016" PRIx64 " %" PRIu64 " %" PRId64 "\n", rax, instructions, nanoseconds(&start, &end));
  return 0;
}
