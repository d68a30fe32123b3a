# textpoke gdb F1 --variant no-final-sync --at 20
monitor choices
monitor token
monitor take 9
monitor take 1
monitor pos
monitor token
monitor choices
monitor take 2
monitor token
maintenance flush register-cache
info threads
continue
monitor token
monitor restore
monitor pos
monitor token
