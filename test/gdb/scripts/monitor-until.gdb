# textpoke gdb F1 --variant no-final-sync
# A position to stop at, in both directions.
monitor until 7
continue
p $pos
monitor until 20
continue
p $pos
continue
monitor until 3
reverse-continue
p $pos
monitor until 25
reverse-continue
p $pos
continue
p $pos
