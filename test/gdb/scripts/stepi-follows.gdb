# textpoke gdb F1 --variant no-final-sync --at 10
# Without scheduler-locking the recorded schedule goes on until this core has executed one instruction.
monitor token
thread 2
x/i $pc
stepi
monitor pos
info threads
stepi 3
monitor pos
reverse-stepi 3
monitor pos
reverse-stepi
monitor pos
thread 3
stepi
monitor pos
monitor token
