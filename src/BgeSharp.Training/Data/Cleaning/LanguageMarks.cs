// An id without its marks of language: what a page in all its languages has in common when nobody says so.

using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Takes language tags out of ids.</summary>
internal static partial class LanguageMarks
{
    /// <summary>"guide/en/a.md" and "guide/zh-CN/a.md" → "guide/a.md"; "README.md" and "README_EN.md" → "README.md".</summary>
    public static string Without(string id) => Mark().Replace(id, "");

    // A part of a path, or the end of a name, that is a language tag of a common language.
    [GeneratedRegex(@"(?<=^|/)(?:zh|en|ja|ko|de|fr|es|ru|it|pt|pl|vi|tr|ar|hi|cn)(?:[-_][A-Za-z]{2,4})?/|[-_.](?:(?:zh|en|ja|ko|de|fr|es|ru|it|pt|pl|vi|tr|ar|hi|cn)(?:[-_][A-Za-z]{2,4})?|EN|CN|ZH|JA|KO)(?=\.[A-Za-z]+$|$)", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
