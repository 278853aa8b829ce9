// Relevance judgements: query → document → grade. Reads the three layouts in use: TREC (query iteration document grade),
// BEIR (query-id corpus-id score, with or without a header) and FlagEmbedding's JSONL (qid, docid, relevance).

using System.Globalization;
using System.Text.Json;

namespace BgeSharp.Formats.Collections;

/// <summary>Relevance judgements.</summary>
public sealed class Qrels
{
    private static readonly Dictionary<string, int> None = [];
    private readonly Dictionary<string, Dictionary<string, int>> _grades = new(StringComparer.Ordinal);

    /// <summary>Ids of the queries that have judgements, in the order they came.</summary>
    public IReadOnlyCollection<string> Queries => _grades.Keys;

    /// <summary>Number of judgements.</summary>
    public int Count { get; private set; }

    /// <summary>Document id → grade for a query; empty when it has no judgements. Grades above 0 are relevant, 0 is judged irrelevant, negative is not judged.</summary>
    public IReadOnlyDictionary<string, int> this[string query] => _grades.TryGetValue(query, out var grades) ? grades : None;

    /// <summary>True when the query has judgements.</summary>
    public bool Contains(string query) => _grades.ContainsKey(query);

    /// <summary>Judgements that came a second time with the same grade; they count once.</summary>
    public int Repeated { get; private set; }

    /// <summary>Adds a judgement; false when the same pair has another grade already.</summary>
    public bool Add(string query, string document, int grade)
    {
        if (!_grades.TryGetValue(query, out var grades))
        {
            _grades[query] = grades = new Dictionary<string, int>(StringComparer.Ordinal);
        }
        if (grades.TryGetValue(document, out int known))
        {
            Repeated += known == grade ? 1 : 0;
            return known == grade;
        }
        grades.Add(document, grade);
        Count++;
        return true;
    }

    /// <summary>Reads a file, plain or gzip; the layout is seen line by line. Blank lines and lines that begin with # are passed over.</summary>
    /// <exception cref="BadInput">A line has another number of columns, a grade is not an integer, or a pair has two grades.</exception>
    public static Qrels Load(string path)
    {
        var qrels = new Qrels();
        foreach (var (number, line) in TextFile.ReadLines(path))
        {
            if (string.IsNullOrWhiteSpace(line) || line[0] == '#')
            {
                continue;
            }
            if (line[0] == '{')
            {
                qrels.AddJson(new JsonLine(path, number, JsonLines.Parse(path, number, System.Text.Encoding.UTF8.GetBytes(line))));
                continue;
            }
            string[] columns = Columns(line);
            if (columns.Length is not (3 or 4))
            {
                throw BadInput.At(path, number, $"{columns.Length} columns; \"query 0 document grade\" (TREC) or \"query, document, grade\" (BEIR) is needed");
            }
            if (Grade(columns[^1]) is not int grade)
            {
                if (number == 1 && columns.Length == 3)
                {
                    continue; // BEIR's header
                }
                throw BadInput.At(path, number, $"the grade is \"{columns[^1]}\", an integer is needed");
            }
            qrels.AddChecked(path, number, columns[0], columns[^2], grade);
        }
        return qrels;
    }

    private void AddJson(JsonLine line) =>
        AddChecked(line.File, line.Number, line.RequireId("qid", "query-id"), line.RequireId("docid", "corpus-id"),
            line.RequireInt32(line.Value.TryGetProperty("relevance", out JsonElement _) ? "relevance" : "score"));

    private void AddChecked(string path, long number, string query, string document, int grade)
    {
        if (!Add(query, document, grade))
        {
            throw BadInput.At(path, number, $"document \"{document}\" has a second, different grade for query \"{query}\"");
        }
    }

    // Tabs first: BEIR ids may hold spaces.
    private static string[] Columns(string line)
    {
        string[] columns = line.Split('\t');
        return columns.Length is 3 or 4 ? [.. columns.Select(c => c.Trim())] : line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    private static int? Grade(string text)
    {
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int grade))
        {
            return grade;
        }
        bool whole = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && Math.Floor(number) == number && Math.Abs(number) <= int.MaxValue;
        return whole ? (int)number : null;
    }
}
