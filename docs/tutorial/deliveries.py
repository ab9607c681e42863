"""Print one week of deliveries of a made-up bicycle courier as CSV: python deliveries.py WEEK [ROWS].

A week has the same rows each time. From week 2 on there is a third vehicle, from week 4 on customers live farther away.
"""

import random
import sys
from datetime import date, timedelta


def main(week: int, rows: int = 1000) -> None:
    """Print the rows of a week.

    Args:
        week: 1 or more; week 1 begins on Monday, 5 January 2026.
        rows: Number of deliveries.
    """
    rng = random.Random(week)
    reach = 9 if week < 4 else 20
    vehicles = {"bike": 4.0, "van": 2.5} | ({"cargo_bike": 5.0} if week > 1 else {})
    print("order_id,date,vehicle,district,distance_km,weight_kg,minutes")
    for number in range(rows):
        day = date(2026, 1, 5) + timedelta(days=7 * (week - 1) + number * 7 // rows)
        vehicle = rng.choice(list(vehicles))
        district = rng.choice(["centre", "harbour", "hills", "station"])
        distance, weight = rng.uniform(0.5, reach), rng.uniform(0.1, 12)
        slope = 1.4 if district == "hills" else 1.0
        minutes = 6 + vehicles[vehicle] * distance * slope + 0.3 * weight + rng.gauss(0, 2)
        print(f"W{week}-{number},{day},{vehicle},{district},{distance:.1f},{weight:.1f},{max(1.0, minutes):.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
