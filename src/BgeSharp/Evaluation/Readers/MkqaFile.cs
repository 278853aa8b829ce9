// MKQA: questions in 25 languages over an English corpus, without judgements. A passage answers when it holds an answer string (see AnswerMatch),
// so recall is measured on what was found, not on what there is.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads MKQA questions.</summary>
public static class MkqaFile
{
    /// <summary>MKQA's own lines (example_id, queries by language, answers by language) or flat ones (id, question, answers).</summary>
    /// <param name="path">JSONL.</param>
    /// <param name="language">Of the questions; not needed for flat lines. Answers are the English ones, as the corpus is.</param>
    /// <param name="corpus">JSONL with id (or _id, docid), title and text.</param>
    /// <exception cref="BadInput">A field is missing, or no question has an answer string.</exception>
    public static TestCollection Load(string path, string language, string corpus)
    {
        if (corpus.Length == 0)
        {
            throw new BadInput($"{path}: MKQA has questions only; name the corpus to search in by --corpus.");
        }
        var queries = new List<Query>();
        var answers = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        int without = 0;
        foreach (JsonLine line in JsonLines.Read(path))
        {
            string id = line.RequireId("example_id", "id", "_id");
            bool flat = !line.Value.TryGetProperty("queries", out JsonElement byLanguage);
            string? question = flat ? line.RequireString("question")
                : byLanguage.ValueKind == JsonValueKind.Object && byLanguage.TryGetProperty(language, out JsonElement text) ? JsonLine.StringOf(text)
                : throw line.Error($"\"queries\" has no \"{language}\"; name a language it has");
            if (question is null)
            {
                throw line.Error("the question is no string");
            }
            string[] strings = flat ? LabelledTexts.Strings(line, "answers") : English(line);
            if (strings.Length == 0)
            {
                without++;
            }
            else
            {
                queries.Add(new Query(id, question));
                answers[id] = answers.ContainsKey(id) ? throw line.Error($"the id \"{id}\" comes a second time") : strings;
            }
        }
        return queries.Count == 0
            ? throw new BadInput($"{path}: no question has an answer string.")
            : new TestCollection(new RetrievalSet(TextRows.NameOf(path), BeirFolder.ReadCorpus(corpus), queries, new Qrels()))
            {
                Answers = answers,
                Language = language,
                LeftOut = without > 0 ? [FormattableString.Invariant($"{without} questions have no answer string (unanswerable, long or yes/no) and are left out.")] : [],
            };
    }

    // Unanswerable questions, long answers and yes/no have no string to look for: they are left out, as in MKQA's retrieval use.
    private static string[] English(JsonLine line)
    {
        if (!line.Value.TryGetProperty("answers", out JsonElement all) || all.ValueKind != JsonValueKind.Object || !all.TryGetProperty("en", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            throw line.Error("\"answers\" has no list \"en\"");
        }
        var strings = new List<string>();
        foreach (JsonElement answer in list.EnumerateArray().Where(a => a.ValueKind == JsonValueKind.Object))
        {
            string type = answer.TryGetProperty("type", out JsonElement t) ? JsonLine.StringOf(t) ?? "" : "";
            if (type is "unanswerable" or "long_answer" or "binary")
            {
                continue;
            }
            if (answer.TryGetProperty("text", out JsonElement text) && JsonLine.StringOf(text) is { Length: > 0 } one)
            {
                strings.Add(one);
            }
            if (answer.TryGetProperty("aliases", out JsonElement aliases) && aliases.ValueKind == JsonValueKind.Array)
            {
                strings.AddRange(aliases.EnumerateArray().Select(JsonLine.StringOf).OfType<string>().Where(a => a.Length > 0));
            }
        }
        return [.. strings.Distinct(StringComparer.Ordinal)];
    }
}
