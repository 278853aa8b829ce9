// The pages in a real browser: headless Chromium at two widths, dark and light, without network. Skipped with a reason where no Chromium is installed.

using System.Diagnostics;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Reports.Evaluation;
using BgeSharp.Evaluation.Reports;

namespace BgeSharp.Cli.Tests.Reports.Evaluation;

public sealed class BrowserTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bge-browser").FullName;

    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A browser that is just ending may still write its profile.
        }
    }

    [Theory]
    [InlineData("evaluation")]
    [InlineData("comparison")]
    [InlineData("run")]
    public void Pages_open_from_disk_without_complaints_and_are_not_wider_than_the_window(string kind)
    {
        string? browser = Find();
        Assert.SkipWhen(browser is null, "no Chromium here (chromium, chromium-browser or google-chrome on the PATH)");
        EvaluationReport[] reports = [SampleEvaluation.Create(), SampleEvaluation.Create(0.03)];
        string page = Path.Combine(_folder, kind + ".html");
        File.WriteAllText(page, kind switch
        {
            "evaluation" => EvaluationPage.Render(reports[0]),
            "comparison" => ComparisonPage.Render(reports, ["first", "second"], ReportComparison.Of(reports, samples: 100)),
            _ => HtmlReport.Render(SampleReport.Create()),
        });
        string[] shots = ["wide", "narrow", "dark"];
        string[] errors =
        [
            Shoot(browser!, page, "wide", 1280, false),
            Shoot(browser!, page, "narrow", 520, false),
            Shoot(browser!, page, "dark", 1280, true),
        ];
        // Whatever the page says to the console comes out on standard error with its place.
        Assert.All(errors, e => Assert.DoesNotContain("CONSOLE", e, StringComparison.Ordinal));
        foreach (string shot in shots)
        {
            Assert.InRange(new FileInfo(Path.Combine(_folder, shot + ".png")).Length, 5_000, long.MaxValue);
        }
        foreach (int width in (int[])[1280, 520])
        {
            (int needed, int window) = Width(browser!, page, width);
            Assert.InRange(needed, 1, window);
        }
        (byte Light, byte Dark) corner = (Corner("wide"), Corner("dark"));
        Assert.True(corner.Light > 200 && corner.Dark < 60, $"page colours {corner.Light} and {corner.Dark}");
    }

    // What the page takes and what the window has, by a script put at the page's end; the page itself lets none run.
    private (int Needed, int Window) Width(string browser, string page, int width)
    {
        string probe = Path.Combine(_folder, "probe.html");
        File.WriteAllText(probe, File.ReadAllText(page).Replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'", StringComparison.Ordinal) + "<script>document.documentElement.setAttribute('data-widths', document.documentElement.scrollWidth + ' ' + innerWidth)</script>");
        string dom = Run(browser, $"--window-size={width},2400", "--dump-dom", new Uri(probe).AbsoluteUri).Output;
        string[] found = System.Text.RegularExpressions.Regex.Match(dom, "data-widths=\"(\\d+) (\\d+)\"").Groups.Values.Skip(1).Select(g => g.Value).ToArray();
        Assert.All(found, f => Assert.NotEmpty(f));
        return (int.Parse(found[0], System.Globalization.CultureInfo.InvariantCulture), int.Parse(found[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private string Shoot(string browser, string page, string name, int width, bool dark)
    {
        string errors = Run(browser, "--enable-logging=stderr", "--log-level=0", $"--window-size={width},2400", $"--blink-settings=preferredColorScheme={(dark ? 0 : 1)}",
            $"--screenshot={Path.Combine(_folder, name + ".png")}", new Uri(page).AbsoluteUri).Errors;
        if (Environment.GetEnvironmentVariable("BGESHARP_SCREENSHOTS") is { Length: > 0 } kept && File.Exists(Path.Combine(_folder, name + ".png")))
        {
            File.Copy(Path.Combine(_folder, name + ".png"), Path.Combine(kept, $"{Path.GetFileNameWithoutExtension(page)}-{name}.png"), overwrite: true);
        }
        return errors;
    }

    private (string Output, string Errors) Run(string browser, params string[] arguments)
    {
        var start = new ProcessStartInfo(browser, ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage", $"--user-data-dir={Path.Combine(_folder, "profile")}", .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output, errors.GetAwaiter().GetResult());
    }

    // The first sample of the picture: PNG rows are deflated, the first row's filter leaves its first pixel as it is.
    private byte Corner(string name)
    {
        byte[] png = File.ReadAllBytes(Path.Combine(_folder, name + ".png"));
        using var packed = new MemoryStream();
        for (int at = 8; at + 8 <= png.Length;)
        {
            int length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            if (png.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8))
            {
                packed.Write(png.AsSpan(at + 8, length));
            }
            at += length + 12;
        }
        packed.Position = 0;
        using var pixels = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionMode.Decompress);
        pixels.ReadByte();
        return (byte)pixels.ReadByte();
    }

    private static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(n => Path.Combine(folder, n))).FirstOrDefault(File.Exists);
}
