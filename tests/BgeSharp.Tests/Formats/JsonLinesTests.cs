using System.IO.Compression;
using System.Text;
using BgeSharp.Formats;
using CsCheck;

namespace BgeSharp.Tests.Formats;

public class JsonLinesTests
{
    private static string Gzip(ScratchFolder folder, string name, byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }
        return folder.Write(name, target.ToArray());
    }

    [Fact]
    public void Lines_come_with_their_numbers_and_keep_their_values()
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a.jsonl", "\uFEFF{\"t\":\"一\"}\r\n\n  \n{\"t\":\"二\"}\n{\"t\":\"三\"}");
        JsonLine[] lines = [.. JsonLines.Read(path)];
        Assert.Equal([1L, 4, 5], lines.Select(l => l.Number));
        Assert.Equal(["一", "二", "三"], lines.Select(l => l.RequireString("t")));
    }

    [Fact]
    public void Gzip_is_seen_by_content_and_lines_may_be_longer_than_the_buffer()
    {
        using var folder = new ScratchFolder();
        string text = new('x', 300_000);
        string path = Gzip(folder, "a.jsonl", Encoding.UTF8.GetBytes($"{{\"t\":\"{text}\"}}\n{{\"t\":\"b\"}}\n"));
        Assert.Equal([text, "b"], JsonLines.Read(path).Select(l => l.RequireString("t")));
    }

    [Theory]
    [InlineData("{\"a\":1}\n[1]\n", ":2: ", "a list")]
    [InlineData("{\"a\":1}\n\n{\"a\":\n", ":3: ", "not a JSON object")]
    [InlineData("{\"a\":1} {\"b\":2}", ":1: ", "not a JSON object")]
    [InlineData("\"x\"", ":1: ", "the string \"x\"")]
    [InlineData("\"\\ud800\"", ":1: ", "lone surrogate")]
    [InlineData("{\"a\":\"\\ud800\"}\n{\"a\":[{\"\\uDFFF\":1}]}", ":2: ", "a field's name has a lone surrogate")]
    public void A_bad_line_is_named(string text, string place, string reason)
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a.jsonl", text);
        string message = Assert.Throws<BadInput>(() => JsonLines.Read(path).Count()).Message;
        Assert.StartsWith(path + place, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_fields_are_named_with_what_they_are()
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("docs.jsonl", "{\"title\":12,\"n\":null,\"s\":\"\\ud800\"}");
        JsonLine line = JsonLines.Read(path).Single();
        Assert.Equal($"{path}:1: \"title\" is the number 12, a string is needed", Assert.Throws<BadInput>(() => line.RequireString("title")).Message);
        Assert.Equal($"{path}:1: \"text\" is missing, a string is needed", Assert.Throws<BadInput>(() => line.RequireString("text")).Message);
        Assert.Contains("lone surrogate", Assert.Throws<BadInput>(() => line.RequireString("s")).Message, StringComparison.Ordinal);
        Assert.Throws<BadInput>(() => line.RequireString("n"));
        Assert.Null(line.OptionalString("n"));
        Assert.Equal("12", line.RequireId("_id", "title"));
    }

    [Fact]
    public void A_line_above_the_bound_is_refused_without_being_read_to_its_end()
    {
        using var folder = new ScratchFolder();
        string path = Gzip(folder, "bomb.jsonl.gz", new byte[50 << 20]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(":1: the line has more than 100000 bytes", Assert.Throws<BadInput>(() => JsonLines.Read(path, 100_000).Count()).Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 2 << 20);
    }

    [Fact]
    public void A_damaged_or_cut_gzip_file_is_refused()
    {
        using var folder = new ScratchFolder();
        byte[] random = new byte[200_000];
        new Random(1).NextBytes(random);
        string path = Gzip(folder, "a.gz", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"{{\"i\":{i},\"x\":{random[i]}}}\n"))));
        byte[] good = File.ReadAllBytes(path);
        Assert.Throws<BadInput>(() => JsonLines.Read(folder.Write("cut.gz", good[..(good.Length / 2)])).Count());
        for (int i = good.Length / 3; i < (good.Length / 3) + 100; i++)
        {
            good[i] ^= 0x55;
        }
        Assert.Throws<BadInput>(() => JsonLines.Read(folder.Write("bad.gz", good)).Count());
    }

    [Fact]
    public void A_gzip_file_cut_between_two_lines_is_refused()
    {
        using var folder = new ScratchFolder();
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.NoCompression, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":1}\n", 1000))));
        }
        byte[] stored = target.ToArray();
        byte[] cut = stored[..(stored.AsSpan(0, stored.Length / 2).LastIndexOf((byte)'\n') + 1)];
        Assert.Contains("the file cannot be read on from here", Assert.Throws<BadInput>(() => JsonLines.Read(folder.Write("a.jsonl.gz", cut)).Count()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.jsonl")]
    [InlineData("a.jsonl.gz")]
    public void What_is_written_is_read_back_and_appears_only_when_committed(string name)
    {
        using var folder = new ScratchFolder();
        using (JsonLinesWriter lost = JsonLinesWriter.Create(folder[name]))
        {
            lost.Write(json => json.WriteString("t", "x"));
        }
        Assert.Empty(folder.Names);
        string[] texts = ["汉字 & <b>", "\u0001\n\"\\", "", "😀"];
        JsonLinesWriter.Write(folder[name], texts, (json, text) => json.WriteString("t", text));
        Assert.Equal(texts, JsonLines.Read(folder[name]).Select(l => l.RequireString("t")));
        Assert.Equal([name], folder.Names);
        if (name == "a.jsonl")
        {
            Assert.Contains("汉字 & <b>", File.ReadAllText(folder[name]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Any_bytes_give_lines_or_BadInput()
    {
        using var folder = new ScratchFolder();
        byte[] seed = "{\"a\":\"b\",\"c\":[1,{}]}\n\n{\"d\":null}\n"u8.ToArray();
        Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Byte).Array[0, 5].Sample(changes =>
        {
            byte[] bytes = [.. seed];
            foreach (var (at, value) in changes)
            {
                bytes[at] = value;
            }
            string path = folder.Write("x.jsonl", bytes);
            try
            {
                foreach (JsonLine line in JsonLines.Read(path))
                {
                    _ = line.OptionalString("a");
                }
            }
            catch (BadInput e)
            {
                Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
            }
        }, iter: 600, threads: 1);
    }
}
