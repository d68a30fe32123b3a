# textpoke gdb F1 --variant no-final-sync
monitor help
monitor help goto
monitor
monitor pos
monitor goto 14
monitor goto @20+1
monitor pos
monitor goto 99
monitor goto nowhere
monitor goto end
monitor goto 0
monitor until 7
monitor until
monitor until off
monitor next exception
monitor next exception
monitor next violation
monitor prev drain cpu0
monitor next drain cpu9
monitor next drian
monitor catch
monitor catch #PF
monitor catch 3
monitor catch off
monitor got 3
monitor frobnicate
monitor goto
monitor icache nowhere
monitor icache ftrace_cal
monitor who-wrote ftrace_call 0x
