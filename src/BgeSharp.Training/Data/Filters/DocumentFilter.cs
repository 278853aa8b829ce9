// Which documents of a source are kept: language, script, exact repeats, a limit. Repeats are known by a 64-bit hash of the body, about 10 bytes
// a document in memory (the only thing here that grows). 60 bits of it count: among ten million documents the odds that one is dropped wrongly are 4 in 100,000.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using BgeSharp.Text;
using BgeSharp.Training.Data.Cleaning;

namespace BgeSharp.Training.Data.Filters;

/// <summary>Conditions that a document has to meet.</summary>
public sealed record DocumentFilter
{
    /// <summary>Languages to keep; "zh" keeps zh, zh-CN, zh_CN, zh-TW and so on, without regard to case; empty keeps all.</summary>
    public IReadOnlyList<string> Languages { get; init; } = [];

    /// <summary>Least share of Han characters among the letters of the body, 0 to 1; 0 keeps all.</summary>
    public double MinHanShare { get; init; }

    /// <summary>Most documents to keep, in order; 0 for all.</summary>
    public int Limit { get; init; }

    /// <summary>Documents that are kept, streaming.</summary>
    /// <param name="documents">In reading order.</param>
    /// <param name="counts">Counts kept and dropped documents as they pass; null when nobody asks.</param>
    public IEnumerable<Document> Apply(IEnumerable<Document> documents, DocumentCounts? counts = null)
    {
        var bodies = new HashSet64();
        long kept = 0;
        foreach (Document document in documents)
        {
            if (Reason(document) is { } reason)
            {
                counts?.Drop(reason);
                continue;
            }
            string body = document.Body;
            if (!bodies.Add(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(body.AsSpan()))))
            {
                counts?.Drop("repeated body");
                continue;
            }
            counts?.Keep(body.Length);
            yield return document;
            if (++kept == Limit)
            {
                yield break;
            }
        }
    }

    /// <summary>Why a document is left out, looking at nothing but itself: "language", "script", or null.</summary>
    public string? Reason(Document document) =>
        Languages.Count > 0 && !Languages.Any(l => Speaks(document.Language, l)) ? "language"
        : MinHanShare > 0 && Script.HanShare(document.Body) < MinHanShare ? "script"
        : null;

    /// <summary>Whether a language tag is the wanted one or a variety of it: "zh_CN" is a "zh".</summary>
    public static bool Speaks(string tag, string wanted)
    {
        string normal = LanguageTag.Normalized(tag), prefix = LanguageTag.Normalized(wanted);
        return normal.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && (normal.Length == prefix.Length || normal[prefix.Length] == '-');
    }
}

/// <summary>What became of the documents of a source.</summary>
public sealed class DocumentCounts
{
    private readonly SortedDictionary<string, long> dropped = new(StringComparer.Ordinal);

    /// <summary>Documents kept.</summary>
    public long Kept { get; private set; }

    /// <summary>Characters (UTF-16 units) of the kept bodies.</summary>
    public long Characters { get; private set; }

    /// <summary>Documents dropped, by reason: "language", "script", "repeated body".</summary>
    public IReadOnlyDictionary<string, long> Dropped => dropped;

    internal void Keep(int characters) => (Kept, Characters) = (Kept + 1, Characters + characters);

    internal void Drop(string reason) => dropped[reason] = dropped.GetValueOrDefault(reason) + 1;
}
