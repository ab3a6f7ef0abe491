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

/* libpcap scans numbers without a point only. The rest of scanf, and the arithmetic that it takes on a
   processor without floating point, would be 8 kB. */
long double __floatscan(void *file, int precision, int may_unget) {
    (void)file, (void)precision, (void)may_unget;
    __builtin_trap();
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
