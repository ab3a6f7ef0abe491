# Makes a table of the keywords in libpcap's scanner.l, each letter of which is a state of the scanner
# otherwise. Every keyword is an ID by that rule's pattern, so the rule looks it up in the table first.
/^%%/ { sections++ }
sections == 1 && /^[a-z][-a-z0-9|]*[ \t].*return [A-Z0-9_]+;/ {
    value = match($0, /yylval->h = [0-9a-fx]+/) ? substr($0, RSTART + 12, RLENGTH - 12) : 0
    token = $NF == "}" ? $(NF - 1) : $NF
    sub(/;/, "", token)
    count = split($1, names, "|")
    for (i = 1; i <= count; i++)
        table = table "    { \"" names[i] "\", " token ", " value " },\n"
    next
}
/return ID;/ && !found++ {
    rules = rules "    for (const struct keyword *k = keywords; k->name; k++)\n" \
        "        if (!strcmp(k->name, yytext)) { yylval->h = k->value; return k->token; }\n"
}
sections { rules = rules $0 "\n"; next }
{ print }
END {
    printf "%%{\nstatic const struct keyword { const char *name; short token, value; } keywords[] = {\n"
    printf "%s    { 0 }\n};\n%%}\n%s", table, rules
}
