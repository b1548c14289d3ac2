function %(complete_func)s
    set -lx %(complete_var)s fish_complete
    set -lx COMP_WORDS (commandline -cp | string collect)
    set -lx COMP_CWORD (commandline -ct | string collect)
    %(prog_name)s 2>/dev/null | string match --regex '.+'
end
complete --command %(prog_name)s --no-files --keep-order --arguments '(%(complete_func)s)'
