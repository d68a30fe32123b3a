# textpoke gdb fixtures/run/hello.elf --cores 1
break main
continue
list
next
next
step
bt
next
finish
next
reverse-next
reverse-next
reverse-step
bt
reverse-finish
