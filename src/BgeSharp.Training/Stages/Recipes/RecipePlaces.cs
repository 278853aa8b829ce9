// Where each value of a recipe came from, so that a check that runs long after parsing can still name the line.

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Dotted path → "file:line" or "--set path=value".</summary>
/// <param name="fallback">Origin of a value that stands nowhere: the file, or what made the recipe.</param>
public sealed class RecipePlaces(string fallback)
{
    private readonly Dictionary<string, string> origins = [];

    /// <summary>Remembers an origin.</summary>
    public void Add(string path, string origin) => origins[path] = origin;

    /// <summary>An error about the value at a path; the line is that of the nearest part of the path that stands in the file.</summary>
    /// <param name="path">Dotted path, for example "stages[0].steps".</param>
    /// <param name="message">Continues the path: "is 0; allowed is 1 to 5".</param>
    public BadInput Error(string path, string message)
    {
        string at = path;
        while (at.Length > 0)
        {
            if (origins.TryGetValue(at, out string? origin))
            {
                return new BadInput($"{origin}: {path} {message}");
            }
            at = at[..Math.Max(0, at.LastIndexOfAny(['.', '[']))];
        }
        return new BadInput($"{fallback}: {path} {message}");
    }
}
