// Arguments as a line that a shell takes apart into the same arguments.

namespace BgeSharp.Cli;

/// <summary>Quotes where it must.</summary>
internal static class ShellWords
{
    /// <summary>Joins arguments for a POSIX shell; on Windows for its command line.</summary>
    public static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    private static string Quote(string word)
    {
        bool plain = word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_./:=,+@%\\".Contains(c, StringComparison.Ordinal));
        return plain && (OperatingSystem.IsWindows() || !word.Contains('\\', StringComparison.Ordinal)) ? word
            : OperatingSystem.IsWindows() ? $"\"{word.Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
