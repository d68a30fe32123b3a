# textpoke gdb F1 --variant no-final-sync --at 15
# A breakpoint on the patched instruction: memory holds the guest's int3, not one of ours.
x/5xb ftrace_call
disassemble ftrace_call,+5
break *ftrace_call
thread 2
continue
x/i $pc
x/5xb $pc
monitor icache ftrace_call
stepi
x/i $pc
monitor pos
reverse-stepi
x/i $pc
continue
continue
monitor token
