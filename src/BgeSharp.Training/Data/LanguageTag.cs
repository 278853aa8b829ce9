// One spelling for a language tag: sources write zh_CN, zh-cn and zh-CN for the same.

namespace BgeSharp.Training.Data;

/// <summary>Spelling of BCP 47 language tags.</summary>
public static class LanguageTag
{
    /// <summary>
    /// The tag with hyphens and the usual case (RFC 5646, section 2.1.1): "zh_cn" → "zh-CN", "ZH-HANT-tw" → "zh-Hant-TW", and without what a locale's name adds: "de_DE.UTF-8" → "de-DE".
    /// What is no tag ("Chinese (simplified)") stays as it is, without space around it.
    /// </summary>
    public static string Normalized(string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        string trimmed = tag.Trim();
        int end = trimmed.IndexOfAny(['.', '@']);
        string[] parts = (end > 0 ? trimmed[..end] : trimmed).Split('-', '_');
        if (Array.Exists(parts, p => p.Length is 0 or > 8 || !p.All(char.IsAsciiLetterOrDigit)))
        {
            return trimmed;
        }
        bool plain = true;      // no extension ("u-…", "x-…") has begun: after one, everything is lower case
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = parts[i].ToLowerInvariant();
            plain &= parts[i].Length > 1;
            if (i > 0 && plain && parts[i].All(char.IsAsciiLetter))
            {
                parts[i] = parts[i].Length switch { 2 => parts[i].ToUpperInvariant(), 4 => char.ToUpperInvariant(parts[i][0]) + parts[i][1..], _ => parts[i] };
            }
        }
        string normal = string.Join('-', parts);
        return normal == tag ? tag : normal;
    }
}
