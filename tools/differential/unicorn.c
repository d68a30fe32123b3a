/*
 * Runs short programs of real mode or flat 32-bit code under Unicorn and prints the state behind each.
 *
 *   unicorn < PROGRAMS     a line a program: what came of it
 *
 * A program is one line of hexadecimal words: 10 or 20 (bits of the code), instructions, EIP, EFLAGS, 8 general registers, selectors of ES, CS, SS, DS, FS, GS, the code.
 * Memory is 1 MiB of the bytes that `fill` makes. The answer is: how it ended (- or the vector in hexadecimal, or `lost` where memory was missed), EIP, EFLAGS, the registers, and
 * pairs of the address and the bytes of memory that changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicorn/unicorn.h>

#define MEMORY 0x100000
/* Accesses beyond the end of what is compared are harmless here, and lose the program there. */
#define MAPPED 0x120000

static uint8_t before[MEMORY], after[MEMORY];
static int vector;

static const int gprs[8] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
                            UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI};
static const int segments[6] = {UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS, UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS};

static void fill(uint8_t *to)
{
  uint32_t state = 1;

  for (int n = 0; n < MEMORY; n++) {
    state = state * 1664525 + 1013904223;
    to[n] = (uint8_t)(state >> 24);
  }
}

static void interrupted(uc_engine *uc, uint32_t number, void *user)
{
  (void)user;
  vector = (int)number;
  uc_emu_stop(uc);
}

static bool invalid(uc_engine *uc, void *user)
{
  (void)user;
  vector = 6;
  uc_emu_stop(uc);
  return false;
}

static uint32_t number(void)
{
  return (uint32_t)strtoul(strtok(NULL, " \n"), NULL, 16);
}

static void run(char *line)
{
  uint32_t bits = (uint32_t)strtoul(strtok(line, " \n"), NULL, 16), count = number(), eip = number(), eflags = number(), value, base = 0;
  uint8_t code[512];
  uc_engine *uc;
  uc_hook hook[2];
  uc_err error;
  size_t bytes = 0;
  char *text;

  if (uc_open(UC_ARCH_X86, bits == 16 ? UC_MODE_16 : UC_MODE_32, &uc))
    exit(3);
  uc_mem_map(uc, 0, MAPPED, UC_PROT_ALL);
  for (int n = 0; n < 8; n++) {
    value = number();
    uc_reg_write(uc, gprs[n], &value);
  }
  for (int n = 0; n < 6; n++) {
    value = number();
    if (bits == 16)
      uc_reg_write(uc, segments[n], &value);
    if (bits == 16 && n == 1)
      base = value << 4;
  }
  for (text = strtok(NULL, " \n"); text[0] && text[1] && bytes < sizeof code; text += 2) {
    unsigned byte;

    sscanf(text, "%2x", &byte);
    code[bytes++] = (uint8_t)byte;
  }
  memcpy(after, before, MEMORY);
  memcpy(after + base + eip, code, bytes);
  uc_mem_write(uc, 0, after, MEMORY);
  uc_reg_write(uc, UC_X86_REG_EFLAGS, &eflags);
  uc_hook_add(uc, &hook[0], UC_HOOK_INTR, (void *)interrupted, NULL, 1, 0);
  uc_hook_add(uc, &hook[1], UC_HOOK_INSN_INVALID, (void *)invalid, NULL, 1, 0);
  vector = -1;
  error = uc_emu_start(uc, base + eip, MAPPED, 0, count);
  if (vector >= 0)
    printf("%x", vector);
  else
    printf("%s", error == UC_ERR_OK ? "-" : "lost");
  uc_reg_read(uc, UC_X86_REG_EIP, &value);
  printf(" %" PRIx32, value);
  uc_reg_read(uc, UC_X86_REG_EFLAGS, &value);
  printf(" %" PRIx32, value);
  for (int n = 0; n < 8; n++) {
    uc_reg_read(uc, gprs[n], &value);
    printf(" %" PRIx32, value);
  }
  {
    static uint8_t now[MEMORY];

    uc_mem_read(uc, 0, now, MEMORY);
    for (int n = 0; n < MEMORY; n++)
      if (now[n] != after[n])
        printf(" %x:%02x", n, now[n]);
  }
  puts("");
  fflush(stdout);
  uc_close(uc);
}

int main(void)
{
  static char line[8192];

  fill(before);
  while (fgets(line, sizeof line, stdin))
    run(line);
  return 0;
}
