// A mapping that names a field of no row is refused, and one that names a field of any row is not, whichever thread looks at which rows when.

using BgeSharp.Training.Data.Readers;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Readers;

public class FieldNamesTests
{
    private const int Rows = 3000;

    // Parses the units in an order of its own and takes them in theirs, as a run with several threads does.
    private static List<string> Problems(string path, string title, bool skipBad, int seed)
    {
        DocumentUnit[] units = [.. new DocumentUnits(path, "auto", new Dictionary<string, string> { ["title"] = title }, skipBad).From(default)];
        var contents = new UnitContent[units.Length];
        foreach (int i in Enumerable.Range(0, units.Length).OrderBy(i => HashCodes.Of(seed, i, 1)))
        {
            contents[i] = units[i].Parse();
        }
        var problems = new List<string>();
        RowFields fields = RowFields.None;
        for (int i = 0; i < units.Length; i++)
        {
            (fields, string? problem) = units[i].Taken(fields, contents[i].Fields);
            problems.AddRange(problem is null ? [] : [problem]);
        }
        return problems;
    }

    private static string Lines(int at) => string.Concat(Enumerable.Range(0, Rows).Select(i => i == at ? "{\"headline\":\"题\",\"text\":\"有题的一行。\"}\n" : $"{{\"n\":{i},\"text\":\"没有题的一行，一共有许多这样的行。\"}}\n"));

    [Fact]
    public void A_field_that_one_row_has_is_found_in_whatever_order_threads_look() =>
        Gen.Select(Gen.Int[0, Rows - 1], Gen.Int[0, 1000]).Sample((at, seed) =>
        {
            using var folder = new TemporaryFolder();
            return Problems(folder.Write("a.jsonl", Lines(at)), "headline", skipBad: false, seed).Count == 0;
        }, iter: 20);

    [Fact]
    public void A_slip_of_the_pen_is_found_in_whatever_order_threads_look() =>
        Gen.Select(Gen.Int[0, Rows - 1], Gen.Int[0, 1000]).Sample((at, seed) =>
        {
            using var folder = new TemporaryFolder();
            string path = folder.Write("a.jsonl", Lines(at)), said = path + ": fields: no line has \"headlin\"; did you mean \"headline\"?";
            return Assert.Throws<BadInput>(() => Problems(path, "headlin", skipBad: false, seed)).Message == said && Assert.Single(Problems(path, "headlin", skipBad: true, seed)) == said;
        }, iter: 20);

    [Fact]
    public void Each_file_is_asked_for_itself()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.jsonl", Lines(Rows - 1));
        folder.Write("b.jsonl", "{\"text\":\"没有题的一行。\"}\n");
        folder.Write("c.csv", "headline,text\n题,有题的一行。\n");
        folder.Write("d.csv", "head,text\n题,没有题的一行。\n");
        folder.Write("e.jsonl", "\n");
        folder.Write("f.jsonl", "{broken\n");
        for (int seed = 0; seed < 10; seed++)
        {
            Assert.Equal(["b.jsonl: fields: no line has \"headline\"; the lines have text.", "d.csv: fields: no line has \"headline\"; did you mean \"head\"?"],
                Problems(folder.Path, "headline", skipBad: true, seed).Select(p => p[(folder.Path.Length + 1)..]));
        }
    }

    [Fact]
    public void Of_a_file_that_is_damaged_further_on_nobody_knows()
    {
        using var folder = new TemporaryFolder();
        Assert.Empty(Problems(folder.Write("a.csv", "id,text\n1,一行。\n2,\"没有完"), "headline", skipBad: true, 1));
        byte[] whole = TemporaryFolder.Gzip(Lines(-1));
        Assert.Empty(Problems(folder.Write("b.jsonl.gz", whole[..^20]), "headline", skipBad: true, 1));
    }

    [Fact]
    public void Names_without_end_are_not_kept()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", string.Concat(Enumerable.Range(0, Rows).Select(i => $"{{\"field number {i}\":1,\"text\":\"一行。\"}}\n")));
        var corpus = new DocumentUnits(path, "auto", new Dictionary<string, string> { ["title"] = "headline" }, skipBad: true);
        RowFields fields = corpus.From(default).Select(u => u.Parse().Fields).Aggregate(RowFields.None, (all, own) => all.With(own));
        Assert.Equal((0, RowFields.MostOthers), (fields.Named.Count, fields.Others.Count));
    }
}
