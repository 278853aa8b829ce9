// The language of a document: by script where a script has one language, by Lingua (trigrams of 28 languages) where it has many. Lingua is loaded on first
// use, takes about 100 MB and some tenths of a millisecond a document, so it looks only at documents whose language nobody gave and whose script does not decide.

using BgeSharp.Text;
using Lingua;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Guesses languages.</summary>
public static class LanguageGuess
{
    private const int Characters = 600, LeastCharacters = 40;

    private static readonly Lazy<LanguageDetector?> Detector = new(Load);

    private static readonly (string Languages, int From, int To)[] Scripts =
    [
        ("el", 0x370, 0x3FF), ("he", 0x590, 0x5FF), ("th", 0xE00, 0xE7F), ("ka", 0x10A0, 0x10FF), ("hy", 0x530, 0x58F), ("ta", 0xB80, 0xBFF), ("bn", 0x980, 0x9FF),
        ("ru uk be bg sr mk kk mn", 0x400, 0x52F), ("ar fa ur ps", 0x600, 0x6FF), ("hi mr ne sa", 0x900, 0x97F), ("ko", 0xAC00, 0xD7A3),
    ];

    /// <summary>A BCP 47 tag, or "und" when the text is too short or its language is none of those known.</summary>
    public static string Of(Document document)
    {
        string text = Sample(document);
        string byScript = Script.GuessLanguage([text]);
        if (byScript != "und" || text.Length < LeastCharacters)
        {
            return byScript;
        }
        (string languages, double share) = MainScript(text);
        if (share >= 0.5 && languages.Length == 2)
        {
            return languages;
        }
        return Detector.Value?.DetectLanguageOf(text) is { } language && language != Language.Unknown ? language.IsoCode6391().ToString().ToLowerInvariant() : "und";
    }

    /// <summary>Whether the script of a document can be that of its language tag; true for languages this room knows nothing of. Han text is looked at by <see cref="Script.HanShare"/>.</summary>
    public static bool ScriptAgrees(Document document)
    {
        string root = document.Language.Split('-', '_')[0].ToLowerInvariant();
        string text = Sample(document);
        string byScript = Script.GuessLanguage([text]);
        switch (root)
        {
            case "zh" or "yue" or "wuu" or "lzh":
                return byScript == "zh";
            case "ja":
                return byScript is "ja" or "zh";
            case "ko":
                return byScript == "ko";
        }
        (string languages, double share) = MainScript(text);
        int own = Array.FindIndex(Scripts, s => s.Languages.Contains(root, StringComparison.Ordinal));
        return own >= 0 ? languages.Contains(root, StringComparison.Ordinal) : !IsLatin(root) || (byScript == "und" && share < 0.5);
    }

    private static bool IsLatin(string root) => root is "en" or "de" or "fr" or "es" or "it" or "pt" or "nl" or "pl" or "cs" or "sk" or "sv" or "da" or "nb" or "no" or "fi" or "tr" or "vi" or "id" or "ro" or "hu" or "hr" or "sl" or "et" or "lv" or "lt" or "ca";

    // The script, other than Latin and Han, with most letters, and its share of all letters.
    private static (string Languages, double Share) MainScript(string text)
    {
        Span<int> counts = stackalloc int[Scripts.Length];
        int letters = 0;
        foreach (char c in text)
        {
            if (char.IsLetter(c))
            {
                letters++;
                for (int i = 0; i < Scripts.Length; i++)
                {
                    counts[i] += c >= Scripts[i].From && c <= Scripts[i].To ? 1 : 0;
                }
            }
        }
        int best = 0;
        for (int i = 1; i < counts.Length; i++)
        {
            best = counts[i] > counts[best] ? i : best;
        }
        return letters == 0 || counts[best] == 0 ? ("", 0) : (Scripts[best].Languages, (double)counts[best] / letters);
    }

    private static string Sample(Document document)
    {
        var text = new System.Text.StringBuilder(Characters * 2);
        foreach (Section section in document.Sections)
        {
            text.Append(section.Text.AsSpan(0, Math.Min(section.Text.Length, Characters))).Append('\n');
            if (text.Length >= Characters)
            {
                break;
            }
        }
        return text.Length > Characters ? text.ToString(0, Characters) : text.ToString();
    }

    private static LanguageDetector? Load()
    {
        string models = Path.Combine(AppContext.BaseDirectory, "Lingua", "LanguageModels");
        if (!Directory.Exists(models))
        {
            return null;
        }
        Language[] languages = [.. Enum.GetValues<Language>().Where(l => l != Language.Unknown && File.Exists(Path.Combine(models, l.IsoCode6391().ToString().ToLowerInvariant(), "trigrams.json.br")))];
        return languages.Length < 2 ? null : LanguageDetectorBuilder.FromLanguages(languages).WithLowAccuracyMode().WithLanguageModelsDirectory(models).Build();
    }
}
