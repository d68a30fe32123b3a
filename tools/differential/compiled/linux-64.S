/*
 * What a static Linux program needs of a kernel, on a machine without one: `bare_start` is where such a program starts under textpoke, `_start` where it starts under Linux.
 * Written bytes go to the serial line, the exit code to the debug-exit port; memory is handed out behind the program and never taken back; nothing else is there (ENOSYS).
 */
#define IA32_STAR 0xc0000081
#define IA32_LSTAR 0xc0000082
#define IA32_FMASK 0xc0000084
#define IA32_FS_BASE 0xc0000100
#define KERNEL_CS 0x10

#define SYS_write 1
#define SYS_mmap 9
#define SYS_mprotect 10
#define SYS_munmap 11
#define SYS_brk 12
#define SYS_writev 20
#define SYS_exit 60
#define SYS_uname 63
#define SYS_arch_prctl 158
#define SYS_futex 202
#define SYS_exit_group 231
#define ARCH_SET_FS 0x1002
#define ENOSYS 38
#define EINVAL 22

#define AT_NULL 0
#define AT_PHDR 3
#define AT_PHENT 4
#define AT_PHNUM 5
#define AT_PAGESZ 6
#define AT_HWCAP 16
#define AT_RANDOM 25

/* Of struct utsname. */
#define RELEASE_AT 130

/* Of an ELF header: e_phnum. */
#define PHNUM_AT 56
/* The values of AT_HWCAP and AT_PHNUM below. */
#define HWCAP_AT 40
#define AUX_PHNUM_AT 56
#define HEAP_BYTES 0x2000000
#define STACK_BYTES 0x400000

  .text
  .globl bare_start
  .type bare_start, @function
bare_start:
  xorl %eax, %eax
  movl $KERNEL_CS, %edx
  movl $IA32_STAR, %ecx
  wrmsr
  movl $system_call, %eax
  xorl %edx, %edx
  movl $IA32_LSTAR, %ecx
  wrmsr
  xorl %eax, %eax
  movl $IA32_FMASK, %ecx
  wrmsr
  movl $_end + 0xfff, %eax
  andl $-0x1000, %eax
  movq %rax, heap_end
  addq $HEAP_BYTES, %rax
  movq %rax, heap_limit
  movq %rax, mapped_end
  movl $first, %esi
  movl $stack_top, %edi
  movl $(first_end - first) / 8, %ecx
  rep movsq
  movl $stack_top, %esp
  /* CPUID.1:EDX, as Linux tells it. */
  movl $1, %eax
  cpuid
  movl %edx, HWCAP_AT(%rsp)
  movzwl __ehdr_start + PHNUM_AT, %eax
  movl %eax, AUX_PHNUM_AT(%rsp)
  xorl %edx, %edx
  jmp _start
  .size bare_start, . - bare_start

/* rcx: where to go on. There is no stack to use: below rsp is the red zone of who called. */
  .type system_call, @function
system_call:
  cmpl $SYS_write, %eax
  je write
  cmpl $SYS_writev, %eax
  je writev
  cmpl $SYS_brk, %eax
  je brk
  cmpl $SYS_mmap, %eax
  je mmap
  cmpl $SYS_arch_prctl, %eax
  je arch_prctl
  cmpl $SYS_uname, %eax
  je uname
  cmpl $SYS_mprotect, %eax
  je done
  cmpl $SYS_futex, %eax
  je done
  cmpl $SYS_munmap, %eax
  je done
  cmpl $SYS_exit_group, %eax
  je exit
  cmpl $SYS_exit, %eax
  je exit
  movq $-ENOSYS, %rax
  jmp *%rcx
done:
  xorl %eax, %eax
  jmp *%rcx

write:
  movq %rcx, saved_rcx
  movq %rsi, saved_rsi
  movq %rdx, saved_rdx
  movq %rdx, %rcx
  movl $0x3f8, %edx
  rep outsb
  movq saved_rdx, %rdx
  movq saved_rsi, %rsi
  movq saved_rcx, %rcx
  movq %rdx, %rax
  jmp *%rcx

/* rsi: pairs of address and size; rdx: how many. */
writev:
  movq %rcx, saved_rcx
  movq %rsi, saved_rsi
  movq %rdx, saved_rdx
  movq %rsi, %rax
  xorl %r11d, %r11d
1:
  movq (%rax), %rsi
  movq 8(%rax), %rcx
  addq %rcx, %r11
  movl $0x3f8, %edx
  rep outsb
  addq $16, %rax
  movq saved_rdx, %rdx
  shlq $4, %rdx
  addq saved_rsi, %rdx
  cmpq %rdx, %rax
  jb 1b
  movq saved_rdx, %rdx
  movq saved_rsi, %rsi
  movq saved_rcx, %rcx
  movq %r11, %rax
  jmp *%rcx

/* Libraries ask for the release alone: a kernel that is not too old. */
uname:
  movl release, %eax
  movl %eax, RELEASE_AT(%rdi)
  jmp done

brk:
  movq heap_end, %rax
  cmpq %rax, %rdi
  jb 1f
  cmpq heap_limit, %rdi
  ja 1f
  movq %rdi, heap_end
  movq %rdi, %rax
1:
  jmp *%rcx

/* Anonymous memory alone has no file. */
mmap:
  cmpl $-1, %r8d
  jne 1f
  movq mapped_end, %rax
  leaq 0xfff(%rax,%rsi), %r11
  andq $-0x1000, %r11
  movq %r11, mapped_end
  jmp *%rcx
1:
  movq $-EINVAL, %rax
  jmp *%rcx

arch_prctl:
  cmpl $ARCH_SET_FS, %edi
  jne 1b
  movq %rcx, saved_rcx
  movq %rdx, saved_rdx
  movl %esi, %eax
  movq %rsi, %rdx
  shrq $32, %rdx
  movl $IA32_FS_BASE, %ecx
  wrmsr
  movq saved_rdx, %rdx
  movq saved_rcx, %rcx
  jmp done

exit:
  movl %edi, %eax
  outb %al, $0xf4
1:
  hlt
  jmp 1b
  .size system_call, . - system_call

  .section .rodata
  .balign 16
/* What a program finds on its stack: one argument, no environment, what a kernel tells. */
first:
  .quad 1, name, 0, 0
  .quad AT_HWCAP, 0
  .quad AT_PHNUM, 0
  .quad AT_PHDR, __ehdr_start + 64
  .quad AT_PHENT, 56
  .quad AT_PAGESZ, 0x1000
  .quad AT_RANDOM, random
  .quad AT_NULL, 0
first_end:
random:
  .quad 0x0123456789abcd00, 0xfedcba9876543210
release:
  .asciz "6.0"
name:
  .asciz "program"

  .bss
  .balign 16
heap_end: .quad 0
heap_limit: .quad 0
mapped_end: .quad 0
saved_rcx: .quad 0
saved_rsi: .quad 0
saved_rdx: .quad 0
  .balign 4096
  .skip STACK_BYTES
stack_top:
  .skip 4096

  .section .note.GNU-stack, "", @progbits
