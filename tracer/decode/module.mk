# What events say (strace's text, JSON) and the model of the traced processes. Users add -lzstd to their <program>-ld.
