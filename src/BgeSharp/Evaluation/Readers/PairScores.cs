// Pairs with a score or a label: STS-B, LCQMC, AFQMC, PAWS-X, OCNLI as tab-separated text (text, text, score), MTEB's as JSONL (sentence1, sentence2, score).

using System.Globalization;
using System.Text.Json;
using BgeSharp.Evaluation.Tasks;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads scored pairs.</summary>
public static class PairScores
{
    /// <summary>The pairs of a file. Numbers are taken as they are; "entailment" is 1, "contradiction" and "neutral" are 0; "-" (no agreement among the annotators) is left out.</summary>
    /// <param name="path">Tab-separated with the score last (a header line and columns before the two texts are allowed), or JSONL.</param>
    /// <exception cref="BadInput">A text or score is missing, the score is neither a number nor such a word, or there is no pair.</exception>
    public static List<ScoredPair> Read(string path) => [.. Stream(path)];

    /// <summary>The same, one pair at a time.</summary>
    /// <exception cref="BadInput">As above, when the line is reached.</exception>
    public static IEnumerable<ScoredPair> Stream(string path)
    {
        bool any = false;
        foreach (TextRow row in TextRows.Read(path))
        {
            if (row.Json is null && row.Columns.Length < 3)
            {
                throw row.Error($"{row.Columns.Length} columns, two texts and a score with tabs between are needed");
            }
            string first = row.Require(-3, "sentence1", "text1", "first", "query");
            string second = row.Require(-2, "sentence2", "text2", "second", "passage");
            string given = row.Json is { } line && Number(line.Value) is { } number ? number : row.Require(-1, "score", "label");
            if (given == "-")
            {
                continue;
            }
            if (Score(given) is { } score)
            {
                any = true;
                yield return new ScoredPair(first, second, score);
            }
            else if (row.Number > 1 || row.Json is not null)
            {
                throw row.Error($"the score is \"{given}\", a number (or entailment, neutral, contradiction) is needed");
            }
        }
        if (!any)
        {
            throw new BadInput($"{path}: there is no pair in it.");
        }
    }

    private static string? Number(JsonElement value) =>
        (value.TryGetProperty("score", out JsonElement score) || value.TryGetProperty("label", out score)) && score.ValueKind == JsonValueKind.Number ? score.GetRawText() : null;

    private static double? Score(string text) => text.Trim() switch
    {
        "entailment" => 1,
        "contradiction" or "neutral" => 0,
        var number => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double score) && double.IsFinite(score) ? score : null,
    };
}
