// A TREC run file: "query Q0 document rank score tag". The rank column is ignored, as trec_eval ignores it: the order is score descending,
// in single precision, then document id descending by bytes.

using System.Globalization;
using System.Text;

namespace BgeSharp.Formats.Collections;

/// <summary>One line of a run.</summary>
/// <param name="Document">Document id.</param>
/// <param name="Score">Higher is better; finite.</param>
public readonly record struct ScoredDocument(string Document, double Score);

/// <summary>Rankings by query.</summary>
/// <param name="Name">The tag of the run.</param>
/// <param name="Rankings">Query id → documents, best first.</param>
public sealed record TrecRun(string Name, IReadOnlyDictionary<string, IReadOnlyList<ScoredDocument>> Rankings)
{
    /// <summary>Reads a run, plain or gzip. Blank lines and lines that begin with # are passed over; what follows the tag is ignored.</summary>
    /// <exception cref="BadInput">Fewer than six columns, a score that is not a finite number, or a document twice for a query.</exception>
    public static TrecRun Load(string path)
    {
        var rankings = new Dictionary<string, Dictionary<string, double>>(StringComparer.Ordinal);
        string name = "";
        foreach (var (number, line) in TextFile.ReadLines(path))
        {
            if (string.IsNullOrWhiteSpace(line) || line[0] == '#')
            {
                continue;
            }
            // Tabs first: ids may hold spaces then.
            string[] columns = line.Split('\t');
            columns = columns.Length >= 6 ? columns : line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length < 6)
            {
                throw BadInput.At(path, number, $"{columns.Length} columns; \"query Q0 document rank score tag\" is needed");
            }
            if (!double.TryParse(columns[4], NumberStyles.Float, CultureInfo.InvariantCulture, out double score) || !double.IsFinite(score))
            {
                throw BadInput.At(path, number, $"the score is \"{columns[4]}\", a finite number is needed");
            }
            if (!rankings.TryGetValue(columns[0], out var ranking))
            {
                rankings[columns[0]] = ranking = new Dictionary<string, double>(StringComparer.Ordinal);
            }
            if (!ranking.TryAdd(columns[2], score))
            {
                throw BadInput.At(path, number, $"document \"{columns[2]}\" comes a second time for query \"{columns[0]}\"");
            }
            name = columns[5];
        }
        return new TrecRun(name, rankings.ToDictionary(r => r.Key, r => (IReadOnlyList<ScoredDocument>)Order(r.Value), StringComparer.Ordinal));
    }

    /// <summary>Writes a run, scores with all their digits, ranks from 1; atomic. Columns stand apart by spaces, or by tabs when an id holds a space
    /// (<see cref="Load"/> reads both; trec_eval cannot read ids with spaces at all).</summary>
    /// <exception cref="BadInput">An id is empty or holds a tab or a line break; nothing was written.</exception>
    public void Save(string path)
    {
        IEnumerable<string> ids = Rankings.SelectMany(r => r.Value.Select(d => d.Document).Prepend(r.Key));
        bool spaces = false;
        foreach (string id in ids)
        {
            if (id.Length == 0 || id.AsSpan().IndexOfAny('\t', '\n', '\r') >= 0)
            {
                throw new BadInput($"{path}: the id \"{id}\" is empty or holds a tab or a line break, which a run file cannot hold; nothing was written.");
            }
            spaces |= id.Any(char.IsWhiteSpace);
        }
        Save(path, spaces ? '\t' : ' ');
    }

    private void Save(string path, char gap) => AtomicFile.Write(path, stream =>
    {
        string tag = gap == '\t' || Name.Length == 0 ? (Name.Length > 0 ? Name : "run") : string.Join('_', Name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        foreach (var (query, ranking) in Rankings)
        {
            for (int i = 0; i < ranking.Count; i++)
            {
                writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{query}{gap}Q0{gap}{ranking[i].Document}{gap}{i + 1}{gap}{ranking[i].Score:R}{gap}{tag}"));
            }
        }
    });

    /// <summary>trec_eval's order: score descending, then id descending by UTF-8 bytes.</summary>
    private static ScoredDocument[] Order(Dictionary<string, double> scores)
    {
        ScoredDocument[] ranking = [.. scores.Select(s => new ScoredDocument(s.Key, s.Value))];
        Array.Sort(ranking, Compare);
        return ranking;
    }

    /// <summary>trec_eval's order of two documents: score descending, compared in single precision as trec_eval keeps it, then id descending by UTF-8 bytes.</summary>
    internal static int Compare(ScoredDocument a, ScoredDocument b)
        => (float)a.Score != (float)b.Score ? ((float)b.Score).CompareTo((float)a.Score) : CompareBytes(b.Document, a.Document);

    // UTF-16 order differs from byte order only where a surrogate meets U+E000-U+FFFF.
    private static int CompareBytes(string a, string b)
    {
        int i = a.AsSpan().CommonPrefixLength(b);
        if (i == a.Length || i == b.Length)
        {
            return a.Length.CompareTo(b.Length);
        }
        return (char.IsSurrogate(a[i]), char.IsSurrogate(b[i])) switch
        {
            (true, false) => 1,
            (false, true) => -1,
            _ => a[i].CompareTo(b[i]),
        };
    }
}
