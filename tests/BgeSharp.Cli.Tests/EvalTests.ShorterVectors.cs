// --dimensions of bge eval, embed and search.

using System.Text.Json;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Models;

namespace BgeSharp.Cli.Tests;

public sealed partial class EvalTests
{
    [Fact]
    public async Task Shorter_vectors_are_measured_a_row_for_each_length()
    {
        string[] common = ["eval", "--model", Model(), "--precision", "float32", "--data", Beir(), "--modes", "dense,bm25", "--index", In("index"), "--save-runs", In("runs"), "--out", In("o.json"), "--report"];
        Assert.Equal(0, (await Bge([.. common, In("whole")])).Code);
        var (code, _, error) = await Bge([.. common, In("cut"), "--dimensions", "8", "4", "1", "4"]);
        Assert.True(code == 0, error);
        EvaluationReport whole = ReportFile.Read(Path.Combine(In("whole"), "evaluation.json")), cut = ReportFile.Read(Path.Combine(In("cut"), "evaluation.json"));
        EvaluationResult[] rows = [.. cut.Results.Where(r => r.Stage == "model")];
        Assert.Equal(["dense (8)", "dense (4)", "dense (1)"], rows.Select(r => r.Mode));
        Assert.Single(cut.Results, r => r.Mode == "bm25");
        Assert.Equal(whole.Results.Single(r => r.Mode == "dense").Metrics, rows[0].Metrics);
        Assert.DoesNotContain("first", rows[0].Settings, StringComparison.Ordinal);
        Assert.Contains("first 4 of 8 numbers", rows[1].Settings, StringComparison.Ordinal);
        using (var contract = JsonDocument.Parse(File.ReadAllBytes(In("o.json"))))
        {
            Assert.Equal(["dense (8)", "dense (4)", "dense (1)", "bm25"], contract.RootElement.EnumerateObject().Select(p => p.Name));
        }
        // A length that no vector has is named before anything is measured, wherever it stands.
        Directory.Delete(In("runs"), recursive: true);
        var refused = await Bge([.. common, In("none"), "--dimensions", "4", "9"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("--dimensions 9: the vectors of", refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.Exists(In("none")) ? Directory.GetFiles(In("none")) : []);
        Assert.False(Directory.Exists(In("runs")));
    }

    [Fact]
    public async Task Shorter_vectors_are_written_and_searched_with_a_note_where_the_model_was_not_trained_for_them()
    {
        string[] common = ["embed", "--model", Model(), "--precision", "float32", "--input", Given("t.jsonl", "{\"text\":\"a b\"}\n{\"text\":\"c\"}\n"), "--out"];
        Assert.Equal(0, (await Bge([.. common, In("whole.jsonl")])).Code);
        var (code, output, error) = await Bge([.. common, In("cut.jsonl"), "--dimensions", "3"]);
        Assert.True(code == 0, error);
        Assert.Contains("2 vectors of 3 numbers", output, StringComparison.Ordinal);
        Assert.Contains("does not say that it was trained for vectors of 3 numbers (it names no shorter ones)", error, StringComparison.Ordinal);
        float[][] whole = [.. Vectors("whole.jsonl")], cut = [.. Vectors("cut.jsonl")];
        for (int i = 0; i < cut.Length; i++)
        {
            float[] expected = ShortenedEncoder.Shorten(whole[i], 3);
            Assert.Equal(3, cut[i].Length);
            for (int d = 0; d < 3; d++)
            {
                Assert.Equal(expected[d], cut[i][d], 1e-6f);
            }
        }
        new ModelCard { MatryoshkaDimensions = [3] }.Save(In("model"));
        Assert.DoesNotContain("note:", (await Bge([.. common, In("again.jsonl"), "--dimensions", "3"])).Error, StringComparison.Ordinal);
        Beir();
        var searched = await Bge("search", "a b", "--model", In("model"), "--corpus", In("beir/corpus.jsonl"), "--mode", "dense", "--dimensions", "2", "--precision", "float32");
        Assert.True(searched.Code == 0, searched.Error);
        Assert.Contains("(it names 3)", searched.Error, StringComparison.Ordinal);
        foreach (string wrong in (string[])["-1", "9"])
        {
            Assert.Equal(2, (await Bge([.. common, In("none.jsonl"), "--dimensions", wrong])).Code);
            Assert.False(File.Exists(In("none.jsonl")));
        }
    }

    private IEnumerable<float[]> Vectors(string file) => File.ReadLines(In(file)).Select(line =>
    {
        using var row = JsonDocument.Parse(line);
        return row.RootElement.GetProperty("dense").EnumerateArray().Select(n => n.GetSingle()).ToArray();
    });
}
