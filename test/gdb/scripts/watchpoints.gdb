# textpoke gdb fixtures/run/counter.elf --cores 2
info variables counter
watch counter
rwatch counter
awatch counter
continue
continue
delete 1
continue
continue
delete 2
reverse-continue
reverse-continue
reverse-continue
info watchpoints
