using System.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;
using Parquet;
using Parquet.Schema;
using ZstdSharp;

namespace BgeSharp.Training.Tests.Data.Readers;

public class EncodingAndTableTests
{
    private const string Simplified = "怎样选择许可证\n\n开源许可证决定了别人可以怎样使用你的代码，选择之前，先想清楚你愿意让别人做什么。\n";
    private const string Traditional = "怎樣選擇授權\n\n開放原始碼的授權決定了別人可以怎樣使用你的程式，選擇之前，先想清楚你願意讓別人做什麼。\n";

    private static Encoding Legacy(string name) => CodePagesEncodingProvider.Instance.GetEncoding(name)!;

    private static string Error(string path) => Assert.Throws<BadInput>(() => DocumentReader.Read(path).ToList()).Message;

    [Fact]
    public void Text_in_other_encodings_is_read_as_what_it_is()
    {
        using var folder = new TemporaryFolder();
        foreach ((string name, string text, Encoding encoding) in new[]
        {
            ("gb", Simplified, Legacy("GB18030")), ("big5", Traditional, Legacy("big5")), ("le", Simplified, Encoding.Unicode), ("be", Traditional, Encoding.BigEndianUnicode),
            ("marked", Simplified, new UnicodeEncoding(true, true)), ("utf8", Traditional, Encoding.UTF8), ("western", "A title\n\nPlain words of a plain text.\n", Encoding.Unicode),
        })
        {
            Document document = Assert.Single(DocumentReader.Read(folder.Write($"{name}.txt", [.. encoding.GetPreamble(), .. encoding.GetBytes(text)])));
            Assert.Equal(text.Trim(), document.Title + "\n\n" + document.Body);
        }
        string line = folder.Write("a.jsonl", Legacy("GB18030").GetBytes("{\"text\":\"" + Simplified.Replace("\n", "\\n", StringComparison.Ordinal) + "\"}\n"));
        Assert.Equal("zh", Assert.Single(DocumentReader.Read(line)).Language);
    }

    [Fact]
    public void Bytes_of_no_encoding_are_refused()
    {
        using var folder = new TemporaryFolder();
        var random = new SeededRandom(5);
        byte[] noise = [.. Enumerable.Range(0, 3000).Select(_ => (byte)(128 + random.Next(128)))];
        Assert.Contains("not UTF-8", Error(folder.Write("a.txt", noise)), StringComparison.Ordinal);
    }

    [Fact]
    public void Zstd_files_are_read_and_damaged_ones_named()
    {
        using var folder = new TemporaryFolder();
        using var compressor = new Compressor(3);
        byte[] packed = compressor.Wrap(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3000).Select(i => $"{{\"text\":\"第{i}行{i * 7919 % 1000}。\"}}\n")))).ToArray();
        Assert.Equal(3000, DocumentReader.Read(folder.Write("a.jsonl.zst", packed)).Count());
        Assert.Contains("b.jsonl.zst", Error(folder.Write("b.jsonl.zst", packed[..(packed.Length / 2)])), StringComparison.Ordinal);
        Assert.Contains("not a zstd file", Error(folder.Write("c.jsonl.zst", "{}")), StringComparison.Ordinal);
    }

    [Fact]
    public void Csv_is_read_with_quotes_and_line_ends_in_fields()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.csv", "id,title,text\r\n1,\"甲, \"\"乙\"\"\",\"第一行。\n第二行。\"\r\n\r\n2,,只有正文。\r\n3,没有正文,\r\n");
        Assert.Equal([("1", "甲, \"乙\"", "第一行。\n第二行。"), ("2", "", "只有正文。")], DocumentReader.Read(path).Select(d => (d.Id, d.Title, d.Body)));
        Assert.Equal("正文。", Assert.Single(DocumentReader.Read(folder.Write("b.tsv", "headline\tstory\n题\t正文。\n"), "auto", new Dictionary<string, string> { ["text"] = "story" })).Body);
        Assert.Contains("c.csv:3: the row has 3 fields and the first row 2", Error(folder.Write("c.csv", "id,text\n1,a\n2,b,c\n")), StringComparison.Ordinal);
        Assert.Contains("d.csv:2: a quoted field is not closed", Error(folder.Write("d.csv", "id,text\n1,\"a\n2,b\n")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parquet_is_read_by_row_groups_and_damage_is_named()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Path + "/a.parquet";
        var id = new DataField<int>("id");
        var text = new DataField<string>("body");
        var stars = new DataField<double>("stars");
        await using (FileStream stream = File.Create(path))
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, text, stars), stream, cancellationToken: TestContext.Current.CancellationToken);
            for (int group = 0; group < 3; group++)
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                int first = group * 10;
                await rows.WriteAsync<int>(id, Enumerable.Range(first, 10).ToArray().AsMemory(), cancellationToken: TestContext.Current.CancellationToken);
                await rows.WriteAsync(text, Enumerable.Range(first, 10).Select(i => $"第{i}篇文章。").ToArray());
                await rows.WriteAsync<double>(stars, Enumerable.Range(first, 10).Select(i => i / 2.0).ToArray().AsMemory(), cancellationToken: TestContext.Current.CancellationToken);
            }
        }
        Assert.Equal(Enumerable.Range(0, 30).Select(i => ($"{i}", $"第{i}篇文章。")), DocumentReader.Read(path).Select(d => (d.Id, d.Body)));
        Assert.Equal(7, new DocumentUnits(path, "auto", null, false).From(new ReadPosition(0, 0, 23)).Sum(u => u.Parse().Documents.Count));
        Assert.Contains("no column \"headline\"", Assert.Throws<BadInput>(() => DocumentReader.Read(path, "auto", new Dictionary<string, string> { ["title"] = "headline" }).ToList()).Message, StringComparison.Ordinal);
        byte[] whole = File.ReadAllBytes(path);
        Assert.Contains("not a whole Parquet file", Error(folder.Write("cut.parquet", whole[..(whole.Length / 2)])), StringComparison.Ordinal);
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new SeededRandom((ulong)seed);
            byte[] damaged = [.. whole];
            damaged[random.Next(damaged.Length)] ^= (byte)(1 + random.Next(255));
            string broken = folder.Write("broken.parquet", damaged);
            Exception? thrown = Record.Exception(() => DocumentReader.Read(broken).ToList());
            Assert.True(thrown is null or BadInput, $"seed {seed}: {thrown}");
        }
    }

    [Fact]
    public void Symbolic_links_in_a_circle_end()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // links need a right there
        }
        using var folder = new TemporaryFolder();
        folder.Write("docs/a.md", "甲。");
        Directory.CreateSymbolicLink(folder.Path + "/docs/again", folder.Path + "/docs");
        File.CreateSymbolicLink(folder.Path + "/docs/b.md", folder.Path + "/docs/c.md");
        File.CreateSymbolicLink(folder.Path + "/docs/c.md", folder.Path + "/docs/b.md");
        UnitContent[] units = [.. new DocumentUnits(folder.Path, "auto", null, skipBad: true).From(default).Select(u => u.Parse())];
        Assert.Equal("docs/a.md", Assert.Single(units.SelectMany(u => u.Documents)).Id);
        Assert.Equal(2, units.Sum(u => u.Problems.Count));
        Assert.All(units.SelectMany(u => u.Problems), p => Assert.Contains(": a link to ", p, StringComparison.Ordinal));
    }
}
