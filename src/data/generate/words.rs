//! The words that rows are made of.

/// First names.
pub const FIRST: &[&str] = &[
    "Ada", "Amir", "Anna", "Ben", "Carla", "Chen", "Clara", "David", "Elena", "Emma", "Felix", "Grace", "Hana", "Hugo",
    "Ines", "Ivan", "Jack", "Jana", "Karim", "Kate", "Leo", "Lina", "Lucas", "Maria", "Mark", "Mina", "Nadia", "Noah",
    "Nora", "Omar", "Oscar", "Paula", "Peter", "Rosa", "Ruth", "Sam", "Sara", "Tom", "Vera", "Yuki",
];

/// Last names.
pub const LAST: &[&str] = &[
    "Adler", "Baker", "Berg", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Ford", "Garcia", "Gray", "Hall", "Ito",
    "Jones", "Kim", "Klein", "Lee", "Lopez", "Marsh", "Meyer", "Moore", "Novak", "Park", "Reed", "Rossi", "Sato",
    "Shaw", "Silva", "Stone", "Wood",
];

/// Cities.
pub const CITIES: &[&str] =
    &["Berlin", "Boston", "Cairo", "Dublin", "Lima", "London", "Madrid", "Oslo", "Paris", "Rome", "Tokyo", "Vienna"];

/// Countries.
pub const COUNTRIES: &[&str] =
    &["Brazil", "Canada", "China", "Egypt", "France", "Germany", "India", "Italy", "Japan", "Kenya", "Mexico", "Spain"];

/// First words of titles.
pub const ADJECTIVES: &[&str] = &[
    "Blue", "Bright", "Broken", "Cold", "Dark", "Deep", "Early", "Empty", "First", "Golden", "Green", "Hidden", "Last",
    "Little", "Long", "Lost", "Old", "Quiet", "Red", "Silent", "Silver", "Slow", "Wild", "Winter",
];

/// Last words of titles of songs, books and films.
pub const WORKS: &[&str] = &[
    "Bridge", "Dream", "Fire", "Forest", "Garden", "Harbor", "House", "Island", "Letter", "Light", "Moon", "Night",
    "Ocean", "Rain", "River", "Road", "Sky", "Snow", "Star", "Train",
];
