# textpoke gdb fixtures/run/counter.elf --cores 2
# Counts of hits to ignore, forward and backward.
continue
monitor pos
reverse-continue
break counter.c:13
continue
continue 10
monitor pos
ignore 1 100
continue
monitor pos
reverse-continue 5
monitor pos
info breakpoints
