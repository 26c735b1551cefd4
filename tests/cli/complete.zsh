# Types a line into an interactive zsh and presses tab: zsh -f complete.zsh SCRIPT LINE
# Each match is printed as <<match>>.
zmodload zsh/zpty || exit 9
setup=$(mktemp)
cat > $setup <<EOS
PROMPT=''
autoload -Uz compinit
compinit -D -u
source ${(q)1}
mark() { print -r -- '<<>>' }
compprefuncs=(mark)
comppostfuncs=(mark exit)
bindkey '^I' complete-word
compadd() {
  if [[ "\$*" != *-[OAD]' '* ]]; then
    local -a hits
    builtin compadd -A hits "\$@"
    for hit in \$hits; do print -r -- "<<\$hit>>"; done
  fi
  builtin compadd "\$@"
}
print -r -- '<<READY>>'
EOS
zpty z zsh -f -i
zpty -w z "source $setup"
zpty -r -m z text '*<<READY>>*' || exit 8
zpty -w -n z "$2"$'\t'
zpty -r -m z text '*<<>>*<<>>*'
print -r -- "$text"
zpty -d z
rm -f $setup
