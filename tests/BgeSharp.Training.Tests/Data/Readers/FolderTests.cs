using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Tests.Data.Readers;

public class FolderTests
{
    // A folder "docs" with a page and a folder that nobody may read.
    private static IEnumerable<(string Name, bool IsFolder)> Entries(string folder)
    {
        if (folder.EndsWith("secret", StringComparison.Ordinal))
        {
            throw new UnauthorizedAccessException($"Access to the path '{folder}' is denied.");
        }
        return folder.EndsWith("docs", StringComparison.Ordinal) ? [("a.md", false), ("secret", true)] : [("docs", true)];
    }

    [Fact]
    public void A_folder_that_cannot_be_read_is_named()
    {
        using var folder = new TemporaryFolder();
        string said = Assert.Throws<BadInput>(() => DocumentFiles.Find(folder.Path, _ => true, Entries)).Message;
        Assert.Contains("secret: this folder cannot be read (Access to the path", said, StringComparison.Ordinal);
        Assert.Throws<BadInput>(() => DocumentFiles.Find(folder.Path + "/**/*.md", _ => true, Entries));
        Assert.Throws<BadInput>(() => DocumentFiles.Find(folder.Path + "/d*/*/*.md", _ => true, Entries));
    }

    [Theory]
    [InlineData("d*/*.md", true)]
    [InlineData("*/a.md", true)]
    [InlineData("d*/a.*/**", false)]
    [InlineData("?ther/**/*.md", false)]
    public void A_glob_reads_no_folder_that_it_does_not_lead_into(string glob, bool finds)
    {
        using var folder = new TemporaryFolder();
        string[] found = [.. DocumentFiles.Find($"{folder.Path}/{glob}", _ => true, Entries).Select(f => f.Name)];
        string[] wanted = finds ? ["docs/a.md"] : [];
        Assert.Equal(wanted, found);
    }

    [Fact]
    public void A_folder_without_the_right_to_read_it_is_named()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "root reads every folder, and Windows has other rights");
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        using var folder = new TemporaryFolder();
        folder.Write("a.md", "能读。");
        string secret = Path.GetDirectoryName(folder.Write("secret/b.md", "不能读。"))!;
        UnixFileMode before = File.GetUnixFileMode(secret);
        File.SetUnixFileMode(secret, UnixFileMode.None);
        try
        {
            Assert.Contains("secret: this folder cannot be read", Assert.Throws<BadInput>(() => DocumentReader.Read(folder.Path).ToList()).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(secret, before);
        }
    }
}
