/*
 * The same as linux-64.S for programs of 32 bits: `bare_start` is entered in flat protected mode without paging and makes what a program expects: vectors, a TLS segment, INT 80h.
 */
#define SYS_exit 1
#define SYS_write 4
#define SYS_brk 45
#define SYS_munmap 91
#define SYS_uname 122
#define SYS_mprotect 125
#define SYS_writev 146
#define SYS_mmap2 192
#define SYS_futex 240
#define SYS_set_thread_area 243
#define SYS_exit_group 252
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
#define PHNUM_AT 44
/* The values of AT_HWCAP and AT_PHNUM below. */
#define HWCAP_AT 20
#define AUX_PHNUM_AT 28
#define HEAP_BYTES 0x2000000
#define STACK_BYTES 0x400000

#define CS 0x08
#define DS 0x10
/* PE, MP, ET, NE; OSFXSR, OSXMMEXCPT, OSXSAVE; x87, SSE and AVX state. */
#define CR0 0x33
#define CR4 0x40600
#define XCR0 7

  .text
  .globl bare_start
  .type bare_start, @function
bare_start:
  cld
  lgdt gdt_pointer
  ljmp $CS, $1f
1:
  movl $DS, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl $stack_top, %esp
  movl $CR0, %eax
  movl %eax, %cr0
  movl $CR4, %eax
  movl %eax, %cr4
  movl $XCR0, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv
  fninit
  /* A gate for CPL 3 and 0: offset 15:0, selector; offset 31:16, present, DPL 3, 32-bit trap gate. */
  movl $system_call, %eax
  movw %ax, gate
  movw $CS, gate + 2
  movw $0xef00, gate + 4
  shrl $16, %eax
  movw %ax, gate + 6
  lidt idt_pointer
  movl $_end + 0xfff, %eax
  andl $-0x1000, %eax
  movl %eax, heap_end
  addl $HEAP_BYTES, %eax
  movl %eax, heap_limit
  movl %eax, mapped_end
  movl $first, %esi
  movl $stack_top, %edi
  movl $(first_end - first) / 4, %ecx
  rep movsl
  /* CPUID.1:EDX, as Linux tells it. */
  movl $1, %eax
  cpuid
  movl %edx, HWCAP_AT(%esp)
  movzwl __ehdr_start + PHNUM_AT, %eax
  movl %eax, AUX_PHNUM_AT(%esp)
  xorl %edx, %edx
  jmp _start
  .size bare_start, . - bare_start

  .type system_call, @function
system_call:
  cmpl $SYS_write, %eax
  je write
  cmpl $SYS_writev, %eax
  je writev
  cmpl $SYS_brk, %eax
  je brk
  cmpl $SYS_mmap2, %eax
  je mmap
  cmpl $SYS_set_thread_area, %eax
  je set_thread_area
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
  movl $-ENOSYS, %eax
  iret
done:
  xorl %eax, %eax
  iret

write:
  pushl %ecx
  pushl %edx
  pushl %esi
  movl %ecx, %esi
  movl %edx, %eax
  movl %edx, %ecx
  movl $0x3f8, %edx
  rep outsb
  popl %esi
  popl %edx
  popl %ecx
  iret

/* ecx: pairs of address and size; edx: how many. */
writev:
  pushal
  movl %edx, %ebx
  movl %ecx, %ebp
  movl $0x3f8, %edx
  xorl %edi, %edi
1:
  movl (%ebp), %esi
  movl 4(%ebp), %ecx
  addl %ecx, %edi
  rep outsb
  addl $8, %ebp
  decl %ebx
  jnz 1b
  movl %edi, 28(%esp)
  popal
  iret

/* Libraries ask for the release alone: a kernel that is not too old. */
uname:
  movl release, %eax
  movl %eax, RELEASE_AT(%ebx)
  jmp done

brk:
  movl heap_end, %eax
  cmpl %eax, %ebx
  jb 1f
  cmpl heap_limit, %ebx
  ja 1f
  movl %ebx, heap_end
  movl %ebx, %eax
1:
  iret

/* Anonymous memory alone has no file. */
mmap:
  cmpl $-1, %edi
  jne 1f
  movl mapped_end, %eax
  pushl %eax
  leal 0xfff(%eax,%ecx), %eax
  andl $-0x1000, %eax
  movl %eax, mapped_end
  popl %eax
  iret
1:
  movl $-EINVAL, %eax
  iret

/* ebx: the number of an entry of the GDT, or -1; its base; what else it has is what flat data has. */
set_thread_area:
  movl 4(%ebx), %eax
  movw %ax, tls + 2
  shrl $16, %eax
  movb %al, tls + 4
  movb %ah, tls + 7
  movl $(tls - gdt) / 8, (%ebx)
  jmp done

exit:
  movl %ebx, %eax
  outb %al, $0xf4
1:
  hlt
  jmp 1b
  .size system_call, . - system_call

  .data
  .balign 16
gdt:
  .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
tls:
  .quad 0x00cff3000000ffff
gdt_end:
gdt_pointer:
  .word gdt_end - gdt - 1
  .long gdt
idt_pointer:
  .word 0x81 * 8 - 1
  .long idt

  .section .rodata
  .balign 16
/* What a program finds on its stack: one argument, no environment, what a kernel tells. */
first:
  .long 1, name, 0, 0
  .long AT_HWCAP, 0
  .long AT_PHNUM, 0
  .long AT_PHDR, __ehdr_start + 52
  .long AT_PHENT, 32
  .long AT_PAGESZ, 0x1000
  .long AT_RANDOM, random
  .long AT_NULL, 0
first_end:
random:
  .quad 0x0123456789abcd00, 0xfedcba9876543210
release:
  .asciz "6.0"
name:
  .asciz "program"

  .bss
  .balign 16
idt:
  .skip 0x80 * 8
gate:
  .skip 8
heap_end: .long 0
heap_limit: .long 0
mapped_end: .long 0
  .balign 4096
  .skip STACK_BYTES
stack_top:
  .skip 4096

  .section .note.GNU-stack, "", @progbits
