// From a path to the files of a corpus: a file, a folder with all its folders, or a glob. The order is that of the relative path,
// ordinal, so that a run does not depend on the file system. Names that begin with a dot and linked folders are passed over; a folder that cannot be read is
// an error, since a corpus without it would be another one and nobody would know.

using System.IO.Enumeration;
using System.Text;
using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Readers;

/// <summary>A file of a corpus.</summary>
/// <param name="Path">Path to open.</param>
/// <param name="Name">Path relative to the corpus folder with '/' between folders: stable across machines.</param>
public sealed record DocumentFile(string Path, string Name);

/// <summary>Finds the files of a corpus.</summary>
public static class DocumentFiles
{
    private static readonly char[] GlobMarks = ['*', '?'];

    /// <summary>Files of a file path, a folder, or a glob ("docs/**/*.md"; * and ? stay within a folder, ** spans folders).</summary>
    /// <param name="path">File, folder or glob.</param>
    /// <param name="accept">Which file names to take from a folder; a glob and a single file take all they name.</param>
    /// <exception cref="BadInput">There is nothing at the path, or a folder in it cannot be read.</exception>
    public static IReadOnlyList<DocumentFile> Find(string path, Func<string, bool> accept) => Find(path, accept, Entries);

    /// <summary>The same with another way to list a folder: the names in it, and which of them are folders.</summary>
    internal static IReadOnlyList<DocumentFile> Find(string path, Func<string, bool> accept, Func<string, IEnumerable<(string Name, bool IsFolder)>> list)
    {
        if (File.Exists(path))
        {
            return [new DocumentFile(path, Path.GetFileName(path))];
        }
        if (Directory.Exists(path))
        {
            return Walk(path, accept, _ => true, list);
        }
        string normal = path.Replace('\\', '/');
        int mark = normal.IndexOfAny(GlobMarks);
        if (mark < 0)
        {
            throw new BadInput($"{path}: no such file or folder; nothing was read.");
        }
        int slash = normal.LastIndexOf('/', mark);
        string root = slash < 0 ? "." : slash == 0 ? "/" : normal[..slash];
        if (!Directory.Exists(root))
        {
            throw new BadInput($"{path}: no such folder as {root}; nothing was read.");
        }
        string glob = normal[(slash + 1)..];
        return Walk(root, Pattern(glob).IsMatch, Folders(glob), list);
    }

    // Which folders a glob leads into: no other one needs to be read.
    private static Func<string, bool> Folders(string glob)
    {
        string[] parts = glob.Split('/');
        int deep = Array.FindIndex(parts, p => p.Contains("**", StringComparison.Ordinal));
        Regex[] above = [.. Enumerable.Range(1, deep < 0 ? parts.Length - 1 : deep).Select(n => Pattern(string.Join('/', parts[..n])))];
        return name => name.AsSpan().Count('/') is int level && level < above.Length ? above[level].IsMatch(name) : deep >= 0;
    }

    private static List<DocumentFile> Walk(string root, Func<string, bool> accept, Func<string, bool> enter, Func<string, IEnumerable<(string Name, bool IsFolder)>> list)
    {
        var files = new List<DocumentFile>();
        var folders = new Stack<DocumentFile>([new DocumentFile(root, "")]);
        while (folders.TryPop(out DocumentFile? folder))
        {
            try
            {
                foreach ((string name, bool isFolder) in list(folder.Path))
                {
                    var entry = new DocumentFile(Path.Combine(folder.Path, name), folder.Name + name.Replace('\\', '/'));
                    if (isFolder && enter(entry.Name))
                    {
                        folders.Push(entry with { Name = entry.Name + "/" });
                    }
                    else if (!isFolder && accept(entry.Name))
                    {
                        files.Add(entry);
                    }
                }
            }
            catch (Exception e) when (e is UnauthorizedAccessException or IOException)
            {
                throw new BadInput($"{folder.Path}: this folder cannot be read ({e.Message.TrimEnd('.')}); allow reading it or move it out of the corpus, nothing was read.", e);
            }
        }
        files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return files;
    }

    private static FileSystemEnumerable<(string Name, bool IsFolder)> Entries(string folder) =>
        new(folder, (ref FileSystemEntry e) => (e.FileName.ToString(), e.IsDirectory), new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref FileSystemEntry e) => e.FileName[0] != '.' && !(e.IsDirectory && (e.Attributes & FileAttributes.ReparsePoint) != 0),
        };

    private static Regex Pattern(string glob)
    {
        var regex = new StringBuilder("^");
        for (int i = 0; i < glob.Length; i++)
        {
            bool deep = glob[i] == '*' && i + 1 < glob.Length && glob[i + 1] == '*';
            if (deep)
            {
                bool folder = i + 2 < glob.Length && glob[i + 2] == '/';
                regex.Append(folder ? "(?:.*/)?" : ".*");
                i += folder ? 2 : 1;
            }
            else
            {
                regex.Append(glob[i] switch { '*' => "[^/]*", '?' => "[^/]", char c => Regex.Escape(c.ToString()) });
            }
        }
        return new Regex(regex.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }
}
