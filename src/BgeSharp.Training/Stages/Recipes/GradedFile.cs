// Which files hold sentence pairs with a grade: those that are said to, and by their names those with tabs between columns.

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Knows files of graded pairs.</summary>
internal static class GradedFile
{
    private static readonly string[] Endings = [".tsv", ".txt", ".tsv.gz", ".txt.gz"];

    /// <param name="format">The option beside the path.</param>
    /// <param name="path">A file or folder.</param>
    public static bool Is(string format, string path) => format == "sts" || (format == "auto" && Endings.Any(end => path.EndsWith(end, StringComparison.OrdinalIgnoreCase)));
}
