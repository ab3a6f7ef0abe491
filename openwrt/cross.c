/* What the linker gets beside the program, where libraries of the C compiler do not fit. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __mips__
/* Rust's standard library asks dlsym for getrandom. musl's for MIPS is assembler that takes its caller for
   position independent code, and zig does not mark it so that the linker would know: called from a static
   program it crashes. From C, the mark is there. This is dlsym's name where time_t has 64 bits. */
void *__dlsym_redir_time64(void *, const char *, void *);

void *__dlsym_time64(void *library, const char *name) {
    return __dlsym_redir_time64(library, name, 0);
}
#endif

#ifdef __ARM_EABI__
/* What unwinding the stack takes. Nothing does that in a program whose panics abort at once, but functions
   refer to it, and with it would come 8 kB of a library. */
#define UNUSED(name) \
    void name(void) { __builtin_trap(); }
UNUSED(__aeabi_unwind_cpp_pr0)
UNUSED(__aeabi_unwind_cpp_pr1)
UNUSED(__aeabi_unwind_cpp_pr2)
UNUSED(__gnu_unwind_frame)
UNUSED(_Unwind_GetDataRelBase)
UNUSED(_Unwind_GetLanguageSpecificData)
UNUSED(_Unwind_GetRegionStart)
UNUSED(_Unwind_GetTextRelBase)
UNUSED(_Unwind_VRS_Get)
UNUSED(_Unwind_VRS_Set)
#endif

/* zig's memcpy and memmove copy byte by byte where size counts, which was more than half of all the instructions
   that a packet took. These copy by words, wherever they lie. */
struct word {
    size_t value;
} __attribute__((packed, may_alias));

static void copy_forward(char *to, const char *from, size_t count) {
    for (; count >= sizeof(struct word); count -= sizeof(struct word)) {
        *(struct word *)to = *(const struct word *)from;
        to += sizeof(struct word);
        from += sizeof(struct word);
    }
    while (count--)
        *to++ = *from++;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    copy_forward(to, from, count);
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    if ((size_t)to <= (size_t)from) {
        copy_forward(to, from, count);
        return to;
    }
    for (; count >= sizeof(struct word); count -= sizeof(struct word))
        *(struct word *)((char *)to + count - sizeof(struct word)) =
            *(const struct word *)((const char *)from + count - sizeof(struct word));
    while (count--)
        ((char *)to)[count] = ((const char *)from)[count];
    return to;
}

/* libpcap scans for whole numbers alone. The rest of scanf would be 3 kB, and 8 kB more with its arithmetic on
   a processor without floating point. */
int sscanf(const char *restrict text, const char *restrict format, ...) {
    const char *start = text;
    int count = 0;
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            if (*text++ != *format)
                break;
            continue;
        }
        int is_long = *++format == 'l';
        format += is_long;
        if (*format == 'n') {
            *va_arg(arguments, int *) = text - start;
            continue;
        }
        char *end;
        long number = strtol(text, &end, 10);
        if (end == text)
            break;
        text = end;
        if (is_long)
            *va_arg(arguments, long *) = number;
        else
            *va_arg(arguments, int *) = number;
        count++;
    }
    va_end(arguments);
    return count;
}

/* musl sorts the few addresses that a name has, and searches short texts. What is fast for many and for long
   ones would be 2 kB. */
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *)) {
    for (char *sorted = base, *end = sorted + count * size; sorted != end; sorted += size)
        for (char *right = sorted; right != (char *)base && compare(right - size, right) > 0; right -= size)
            for (char *byte = right; byte != right + size; byte++) {
                char left = byte[-size];
                byte[-size] = *byte;
                *byte = left;
            }
}

char *strstr(const char *text, const char *part) {
    size_t length = strlen(part);
    while (strncmp(text, part, length))
        if (!*text++)
            return NULL;
    return (char *)text;
}

/* musl asks whether a host's name has more than 254 characters. In bytes it may not have more either. */
size_t mbstowcs(wchar_t *restrict to, const char *restrict text, size_t room) {
    (void)to, (void)room;
    return strlen(text);
}

/* libpcap and musl print texts and whole numbers. What printf can do besides, floating point above all, would
   be 5 kB. A directive that it does not know ends the text, because its argument's size is not known either. */
int vfprintf(FILE *restrict file, const char *restrict format, va_list arguments) {
    int total = 0;
    while (*format) {
        char digits[3 * sizeof(long) + 1], *end = digits + sizeof digits;
        const char *text = format;
        size_t length = strcspn(format, "%");
        format += length;
        if (!length) {
            size_t limit = *++format == '.' ? strtoul(format + 1, (char **)&format, 10) : -1;
            int is_long = *format == 'l' || *format == 'z';
            format += is_long;
            if (*format == 's') {
                text = va_arg(arguments, const char *);
                text = text ? text : "(null)";
                length = strnlen(text, limit);
            } else if (*format == 'd' || *format == 'u' || *format == 'x') {
                int base = *format == 'x' ? 16 : 10;
                long value = is_long ? va_arg(arguments, long) : va_arg(arguments, int);
                int negative = *format == 'd' && value < 0;
                unsigned long number = negative ? -(unsigned long)value : is_long ? value : (unsigned)value;
                char *digit = end;
                do
                    *--digit = "0123456789abcdef"[number % base];
                while (number /= base);
                if (negative)
                    *--digit = '-';
                text = digit;
                length = end - digit;
            } else {
                break;
            }
            format++;
        }
        if (fwrite(text, 1, length, file) != length)
            return -1;
        total += length;
    }
    return total;
}
