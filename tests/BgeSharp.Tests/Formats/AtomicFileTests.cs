using BgeSharp.Formats;

namespace BgeSharp.Tests.Formats;

public class AtomicFileTests
{
    [Fact]
    public void A_file_appears_whole_and_replaces_the_old_one()
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a.txt", "old");
        AtomicFile.WriteText(path, "new");
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal(["a.txt"], folder.Names);
    }

    [Fact]
    public void Missing_folders_are_made()
    {
        using var folder = new ScratchFolder();
        AtomicFile.WriteText(folder["x/y/a.txt"], "1");
        Assert.True(File.Exists(folder["x/y/a.txt"]));
    }

    [Fact]
    public void A_failing_writer_leaves_the_old_file_and_no_litter()
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a.txt", "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[1 << 20]);
            throw new InvalidOperationException("half way");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["a.txt"], folder.Names);
    }

    [Fact]
    public void A_full_disk_is_reported_with_the_path()
    {
        using var folder = new ScratchFolder();
        string path = folder.Write("a.txt", "old");
        var error = Assert.Throws<IOException>(() => AtomicFile.Write(path, _ => throw new IOException("No space left on device")));
        Assert.StartsWith(path + ":", error.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["a.txt"], folder.Names);
    }

    [Fact]
    public void A_path_that_is_a_folder_or_goes_through_a_file_can_be_mended_by_who_gave_it()
    {
        using var folder = new ScratchFolder();
        string file = folder.Write("a.txt", "old");
        foreach (string path in (string[])[folder.Path, folder["new/"]])
        {
            Assert.StartsWith($"{path}: is a folder", Assert.Throws<BadInput>(() => AtomicFile.WriteText(path, "x")).Message, StringComparison.Ordinal);
        }
        foreach (string path in (string[])[file + "/b.txt", file + "/c/b.txt"])
        {
            Assert.StartsWith($"{file}: is a file", Assert.Throws<BadInput>(() => AtomicFile.WriteText(path, "x")).Message, StringComparison.Ordinal);
        }
        Assert.StartsWith($"{file}: is a file", Assert.Throws<BadInput>(() => AtomicFile.RequireFolder(file)).Message, StringComparison.Ordinal);
        AtomicFile.RequirePlace(null);
        AtomicFile.RequirePlace("new.txt");
        AtomicFile.RequirePlace(file);
        AtomicFile.RequireFolder(folder["x/y"]);
        Assert.Equal(["a.txt"], folder.Names);
        Assert.Equal("old", File.ReadAllText(file));
    }

    [Fact]
    public void An_uncommitted_file_leaves_nothing()
    {
        using var folder = new ScratchFolder();
        using (AtomicFile file = AtomicFile.Create(folder["a.txt"]))
        {
            file.Stream.WriteByte(1);
        }
        Assert.Empty(folder.Names);
    }
}
